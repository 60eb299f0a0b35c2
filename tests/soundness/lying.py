"""What determines the committed tensors of a lowered table, and witnesses that break one rule.

A table's constraints say what is true; a prover needs to know in which order things follow from
each other. :class:`Rules` reads that from the table: each equation defines a quotient with its
remainder, a maximum with its distances, or a copy. :meth:`Rules.solve` runs the definitions, and a
*tweak* of one of them is a lie that everything after it agrees with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from verifai.circuit.evaluate import einsum, linear
from verifai.graph.integer import Affine, Einsum, Linear, Reshape, View
from verifai.graph.view import view
from verifai.verifier.native.field import P
from verifai.verifier.native.table import Committed, Table

Array = np.ndarray[Any, Any]
#: Changes what a definition gives: called with the parts by name ("y", "r", "d") and "z".
Tweak = Callable[[dict[str, Array]], None]


@dataclass(frozen=True)
class Definition:
    """``2**shift (y - d) + r - half - source = 0``, with a maximum if there is a d.

    Attributes:
        zero: its number among the zero constraints.
        y, r, d: committed nodes; r and d may be missing.
        axes: what the maximum reduces, the batch axis counted; ``floor``: its least value.
        product: the number of the product constraint that belongs to it.
    """

    zero: int
    shift: int
    half: int
    y: int
    r: int | None
    d: int | None
    axes: tuple[int, ...]
    floor: int | None
    product: int | None
    source: int

    def maximum(self, z: Array) -> dict[str, Array]:
        """y, and d if there is one, for the quotients z."""
        if self.d is None:
            return {"y": z.copy()}
        y = z.max(axis=self.axes) if self.axes else z.copy()
        y = y if self.floor is None else np.maximum(y, self.floor)
        return {"y": y, "d": np.expand_dims(y, self.axes) - z}

    def window(self, place: tuple[int, ...], d: Array) -> tuple[Any, ...]:
        """Where d belongs to the maximum at ``place``."""
        left = iter(place)
        return tuple(slice(None) if a in self.axes else next(left) for a in range(d.ndim))


def balanced(values: Array) -> Array:
    """Field elements as integers of least magnitude."""
    reduced = np.asarray(values, dtype=object) % P
    return np.where(reduced > P // 2, reduced - P, reduced)


def centred(value: int) -> int:
    """A field element as the integer of least magnitude."""
    value %= P
    return value - P if value > P // 2 else value


class Rules:
    """The definitions of a table, by what they define."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.by_zero = [self._definition(number) for number in range(len(table.zero))]
        self.of: dict[int, Definition] = {}
        for definition in self.by_zero:
            for node in (definition.y, definition.r, definition.d):
                if node is not None:
                    assert node not in self.of, "a committed node with two definitions"
                    self.of[node] = definition
        self.lookup_of = {lookup.output: n for n, lookup in enumerate(table.lookup)}
        defined = {*self.of, *self.lookup_of}
        self.free = [node for node in table.committed if node not in defined]  # the inputs

    def readers(self, node: int) -> list[int]:
        """Lookups whose input is this very node."""
        return [n for n, lookup in enumerate(self.table.lookup) if lookup.input == node]

    def _base(self, node: int) -> int:
        operation = self.table.nodes[node].operation
        return operation.source if isinstance(operation, View) else node

    def _definition(self, number: int) -> Definition:
        nodes = self.table.nodes
        operation = nodes[self.table.zero[number]].operation
        assert isinstance(operation, Linear)
        (factor, quotient), *middle, (minus, source) = operation.terms
        assert minus == -1
        shift = factor.bit_length() - 1
        assert factor == 1 << shift
        d = next((node for c, node in middle if c == -factor), None)
        r = next((node for c, node in middle if c == 1), None)
        y = self._base(quotient)
        axes: tuple[int, ...] = ()
        spread = nodes[quotient].operation
        if isinstance(spread, View):
            kept = {a for axis in spread.axes if isinstance(axis, Affine) for a, _ in axis.terms}
            lead = int(nodes[quotient].batched)
            axes = tuple(a + lead for a in range(len(nodes[quotient].shape)) if a not in kept)
        floor = product = None
        for index, candidate in enumerate(self.table.product):
            if d is not None and d in map(self._base, candidate.factors):
                product = index
                first = nodes[candidate.factors[0]].operation
                if candidate.factors[0] == y:
                    floor = 0
                elif isinstance(first, Linear):
                    floor = -first.offset
        return Definition(number, shift, -operation.offset, y, r, d, axes, floor, product, source)

    def solve(
        self,
        weights: Sequence[Array],
        inputs: Mapping[int, Array],
        batch: int,
        tweaks: Mapping[tuple[str, int], Tweak] | None = None,
    ) -> list[Array]:
        """The committed tensors in table order, as Python integers.

        ``tweaks``: by ("source", zero) what a definition sees, by ("parts", zero) what it gives,
        by ("lookup", number) the output of a lookup.
        """
        table, tweaks = self.table, tweaks or {}
        given = {node: np.asarray(a, dtype=object) for node, a in inputs.items()}
        given |= {
            node: np.asarray(a, dtype=object)
            for node, a in zip(table.weights, weights, strict=True)
        }
        known: dict[int, Array] = dict(given)

        def value(node: int) -> Array:
            if node not in known:
                if node in self.of:
                    define(self.of[node])
                elif node in self.lookup_of:
                    look_up(self.lookup_of[node])
                else:
                    known[node] = virtual(node)
            return known[node]

        def define(rule: Definition) -> None:
            seen = {"source": value(rule.source)}
            if ("source", rule.zero) in tweaks:
                seen = {"source": seen["source"].copy()}
                tweaks["source", rule.zero](seen)
            target = table.nodes[table.zero[rule.zero]]
            shape = (batch, *target.shape) if target.batched else target.shape
            total = np.broadcast_to(balanced(seen["source"]) + rule.half, shape)
            z = total >> rule.shift
            parts = {"z": z, "r": total - (z << rule.shift), **rule.maximum(z)}
            if ("parts", rule.zero) in tweaks:
                tweaks["parts", rule.zero](parts)
            for name, node in (("y", rule.y), ("r", rule.r), ("d", rule.d)):
                if node is not None:
                    known[node] = parts[name]

        def look_up(number: int) -> None:
            lookup = table.lookup[number]
            entries = table.tables[lookup.table]
            at = balanced(value(lookup.input)) - entries.first
            inside = (at >= 0) & (at < len(entries.outputs))
            parts = {
                "y": np.array(entries.outputs, object)[np.where(inside, at, 0).astype(np.int64)]
            }
            if ("lookup", number) in tweaks:
                tweaks["lookup", number](parts)
            known[lookup.output] = parts["y"]

        def virtual(node: int) -> Array:
            spec = table.nodes[node]
            shape = (batch, *spec.shape) if spec.batched else spec.shape
            match operation := spec.operation:
                case View():
                    return view(value(operation.source), operation, spec.shape, spec.batched)
                case Reshape():
                    return value(operation.source).reshape(shape)
                case Linear():
                    return linear(operation, [value(n) for _, n in operation.terms], shape)
                case Einsum():
                    left, right = operation.left, operation.right
                    return einsum(
                        operation,
                        value(left),
                        value(right),
                        table.nodes[left].batched,
                        table.nodes[right].batched,
                    )
            raise AssertionError(f"node {node} has no definition")

        return [value(node) for node in table.committed]

    def bits(self, node: int) -> int:
        operation = self.table.nodes[node].operation
        assert isinstance(operation, Committed)
        return operation.bits
