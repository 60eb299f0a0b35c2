"""Adds nodes with their static bounds: interval arithmetic on integers."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from verifai.errors import LimitError, UnsupportedError
from verifai.graph.integer import (
    MAX_ABSOLUTE,
    MAX_MAXIMUM,
    MAX_SHIFT,
    Affine,
    Einsum,
    Gather,
    Indices,
    Input,
    Integers,
    Linear,
    Lookup,
    Maximum,
    Node,
    Operation,
    Requantise,
    Reshape,
    Table,
    View,
    Weight,
    sources,
)
from verifai.limits import MAX_COMPUTED_ELEMENTS
from verifai.verifier.native.table import origins_of

#: Axis maps of a view.
Maps = Sequence[Affine | Indices]
#: Integers of an input of a wide type, until a table of rows says how many there are.
_WHOLE: Final = (1 << 16) - 1
#: Of an einsum's axes.
LETTERS: Final = string.ascii_lowercase


@dataclass(frozen=True)
class Tensor:
    """A node under construction: its index, and what later steps ask of it."""

    node: int
    shape: tuple[int, ...]
    low: int
    high: int
    scale: int
    paths: int  # to einsums that were not requantised: each costs a proof a contraction

    @property
    def open(self) -> bool:
        """Whether it contains an einsum that was not requantised."""
        return self.paths > 0

    @property
    def bits(self) -> int:
        """Bits of a signed integer that holds every value."""
        return max(self.high.bit_length(), (-self.low - 1).bit_length() if self.low < 0 else 0) + 1


@dataclass(frozen=True)
class Window:
    """Windows along one axis.

    Attributes:
        length: elements of a window, each ``dilation`` after the one before.
        count: how many windows there are, each ``stride`` after the one before.
        before: how far ahead of the axis the first one begins.
    """

    length: int
    dilation: int
    count: int
    stride: int
    before: int

    @property
    def last(self) -> int:
        """Where on the axis the last element of the last window lies."""
        return (self.count - 1) * self.stride + (self.length - 1) * self.dilation - self.before


class Builder:
    """Nodes so far; every method adds one or a few and returns the result."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.tensors: list[Tensor] = []  # one for each node
        self.tables: list[Table] = []
        self.name = ""  # of the ONNX node that is being lowered

    def _add(
        self, operation: Operation, shape: Sequence[int], low: int, high: int, scale: int
    ) -> Tensor:
        if not all(shape):
            raise UnsupportedError(f"{self.name!r} makes a tensor without elements.")
        if math.prod(shape) > MAX_COMPUTED_ELEMENTS and not isinstance(operation, Weight):
            raise LimitError(f"{self.name!r} makes more than MAX_COMPUTED_ELEMENTS elements.")
        if max(abs(low), abs(high)) >= MAX_ABSOLUTE:
            raise UnsupportedError(f"{self.name!r} can exceed 2^62 in integers.")
        read = sources(operation)
        batched = isinstance(operation, Input) or any(self.nodes[at].batched for at in read)
        paths = int(isinstance(operation, Einsum))
        if not isinstance(operation, Requantise):
            paths += sum(self.tensors[at].paths for at in read)
        self.nodes.append(Node(operation, tuple(shape), low, high, scale, batched, self.name))
        self.tensors.append(Tensor(len(self.tensors), tuple(shape), low, high, scale, paths))
        return self.tensors[-1]

    def _unequal(self) -> UnsupportedError:
        return UnsupportedError(
            f"{self.name!r} brings values to one scale that are more than 2^62 times apart (in a "
            "mask, -50 hides as well as -1e38)"
        )

    def input(
        self,
        position: int,
        shape: Sequence[int],
        bits: int,
        scale: int,
        low: int | None = None,
    ) -> Tensor:
        """An input of ``bits`` bits from ``low`` (None: signed)."""
        first = -(1 << bits - 1) if low is None else low
        return self._add(Input(position), shape, first, first + (1 << bits) - 1, scale)

    def weight(self, values: Integers, scale: int) -> Tensor:
        """Integers of the model, bounded by their number of bits: bounds show in a key's ranges."""
        # ascontiguousarray adds an axis to scalars
        values = np.asarray(values, dtype=np.int64, order="C")
        # of absolute values: a bound that -2^k fits and 2^k does not would show a sign
        bits = int(np.abs(values).max()).bit_length()
        low, high = -(1 << bits), (1 << bits) - 1
        return self._add(Weight(values), values.shape, low, high, scale)

    def view(self, x: Tensor, maps: Maps, shape: Sequence[int], *, zeros: bool = False) -> Tensor:
        """A static index map; ``zeros`` if it may read outside the source."""
        low, high = (min(x.low, 0), max(x.high, 0)) if zeros else (x.low, x.high)
        return self._add(View(x.node, tuple(maps)), shape, low, high, x.scale)

    def reshape(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        """Row-major; axes of length one come and go as a view, which einsums may pass."""
        shape = tuple(shape)
        if shape == x.shape:
            return x
        if [d for d in shape if d != 1] == [d for d in x.shape if d != 1]:
            targets = iter([axis for axis, d in enumerate(shape) if d != 1])
            maps = [Affine(0, ()) if d == 1 else Affine(0, ((next(targets), 1),)) for d in x.shape]
            return self.view(x, maps, shape)
        assert math.prod(shape) == math.prod(x.shape)
        assert not x.open
        return self._add(Reshape(x.node), shape, x.low, x.high, x.scale)

    def gather(self, table: Tensor, ids: Tensor) -> Tensor:
        """Rows of a weight by ids: those of an input that views and reshapes alone have moved.

        Afterwards the input holds no negative integers, and none beyond the table, up to a power
        of two.

        Raises:
            UnsupportedError: they are no such ids.
        """
        origin = origins_of(self.nodes)[ids.node]
        if (
            origin is None
            or not isinstance((node := self.nodes[origin]).operation, Input)
            or node.scale
        ):
            raise UnsupportedError("ids that the model computes: only an input's can be looked up")
        count = table.shape[0]
        assert isinstance(self.nodes[table.node].operation, Weight)
        high = (1 << max(1, (count - 1).bit_length())) - 1
        if not (node.low < 0 and node.high - node.low >= _WHOLE):  # a type that holds no more
            high = min(node.high, high)
        self.bounded(self.tensors[origin], 0, high)
        operation = Gather(table.node, ids.node)
        shape = ids.shape + table.shape[1:]
        return self._add(operation, shape, table.low, table.high, table.scale)

    def linear(self, terms: Sequence[tuple[int, Tensor]], offset: int, scale: int) -> Tensor:
        """``offset + sum coefficient * tensor``, all of one shape."""
        low = high = offset
        for coefficient, x in terms:
            if abs(coefficient) >= MAX_ABSOLUTE:
                raise self._unequal()
            ends = (coefficient * x.low, coefficient * x.high)
            low, high = low + min(ends), high + max(ends)
        operation = Linear(tuple((c, x.node) for c, x in terms), offset)
        return self._add(operation, terms[0][1].shape, low, high, scale)

    def negative(self, x: Tensor) -> Tensor:
        """-x."""
        return self.linear([(-1, x)], 0, x.scale)

    def absolute(self, x: Tensor) -> Tensor:
        """``|x| = 2 max(x, 0) - x``."""
        if x.low >= 0:
            return x
        result = self.linear([(2, self.maximum(x, [], 0)), (-1, x)], 0, x.scale)
        return self.bounded(result, 0, max(-x.low, x.high))

    def einsum(self, labels: str, left: Tensor, right: Tensor) -> Tensor:
        """A product summed over the letters that the output lacks, at the sum of the scales.

        Its bounds are those of any operands within theirs: the sums of a weight's own numbers would
        be tighter, and show in a key's ranges.
        """
        operands, out = labels.split("->")
        a, b = operands.split(",")
        dims = dict(zip(a + b, left.shape + right.shape, strict=True))
        count = math.prod(length for letter, length in dims.items() if letter not in out)
        products = [x * y for x in (left.low, left.high) for y in (right.low, right.high)]
        return self._add(
            Einsum(left.node, right.node, (a, b, out)),
            [dims[letter] for letter in out],
            count * min(products),
            count * max(products),
            left.scale + right.scale,
        )

    def requantise(
        self, x: Tensor, shift: int, bits: int, *, floor: bool = False, low: int | None = None
    ) -> Tensor:
        """``floor((x + half) / 2**shift)``, ranged to ``bits`` bits from ``low`` (None: signed)."""
        first = -(1 << bits - 1) if low is None else low
        if shift >= MAX_SHIFT:
            raise self._unequal()
        last = first + (1 << bits) - 1
        return self._add(Requantise(x.node, shift, floor), x.shape, first, last, x.scale - shift)

    def maximum(self, x: Tensor, axes: Sequence[int], floor: int | None = None) -> Tensor:
        """The largest along axes that hold at most MAX_MAXIMUM elements in all."""
        assert math.prod(x.shape[axis] for axis in axes) <= MAX_MAXIMUM
        shape = [d for axis, d in enumerate(x.shape) if axis not in axes]
        low = x.low if floor is None else max(x.low, floor)
        high = x.high if floor is None else max(x.high, floor)
        operation = Maximum(x.node, tuple(axes), floor)
        return self._add(operation, shape, low, high, x.scale)

    def lookup(self, x: Tensor, first: int, outputs: Integers, scale: int) -> Tensor:
        """A table's outputs; equal tables are shared."""
        equal = [
            number
            for number, table in enumerate(self.tables)
            if table.first == first and np.array_equal(table.outputs, outputs)
        ]
        if not equal:
            self.tables.append(Table(first, np.ascontiguousarray(outputs, dtype=np.int64)))
        number = equal[0] if equal else len(self.tables) - 1
        low, high = int(outputs.min()), int(outputs.max())
        return self._add(Lookup(x.node, number), x.shape, low, high, scale)

    def product(self, x: Tensor, y: Tensor) -> Tensor:
        """``x * y`` elementwise, broadcast."""
        shape = np.broadcast_shapes(x.shape, y.shape)
        letters = LETTERS[: len(shape)]
        labels = f"{letters},{letters}->{letters}"
        return self.einsum(labels, self.broadcast(x, shape), self.broadcast(y, shape))

    # -- views that come up again and again

    def broadcast(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        """numpy's broadcasting."""
        shape = tuple(shape)
        if x.shape == shape:
            return x
        lead = len(shape) - len(x.shape)
        maps = [
            Affine(0, ()) if d == 1 and shape[lead + axis] != 1 else Affine(0, ((lead + axis, 1),))
            for axis, d in enumerate(x.shape)
        ]
        return self.view(x, maps, shape)

    def permute(self, x: Tensor, order: Sequence[int]) -> Tensor:
        """Axis ``order[i]`` of x becomes axis i."""
        place = {axis: i for i, axis in enumerate(order)}
        maps = [Affine(0, ((place[axis], 1),)) for axis in range(len(x.shape))]
        return self.view(x, maps, [x.shape[axis] for axis in order])

    def _along(
        self, x: Tensor, axis: int, index: Affine | Indices, length: int, *, zeros: bool = False
    ) -> Tensor:
        """x with one axis read through a map, the others as they are."""
        maps: list[Affine | Indices] = [Affine(0, ((a, 1),)) for a in range(len(x.shape))]
        maps[axis] = index
        shape = [*x.shape[:axis], length, *x.shape[axis + 1 :]]
        return self.view(x, maps, shape, zeros=zeros)

    def take(self, x: Tensor, axis: int, indices: Sequence[int]) -> Tensor:
        """x along one axis at static indices."""
        index = Indices(axis, tuple(int(i) for i in indices))
        return self._along(x, axis, index, len(indices))

    def sliced(self, x: Tensor, axis: int, start: int, length: int, step: int = 1) -> Tensor:
        """``x[start], x[start + step], ...`` along one axis, zero outside: slices and pads."""
        ends = (start, start + (length - 1) * step)
        zeros = min(ends) < 0 or max(ends) >= x.shape[axis]
        return self._along(x, axis, Affine(start, ((axis, step),)), length, zeros=zeros)

    def split_axis(self, x: Tensor, axis: int, inner: int) -> Tensor:
        """One axis of length n * inner as two, (n, inner)."""
        maps = [Affine(0, ((a + (a > axis), 1),)) for a in range(len(x.shape))]
        maps[axis] = Affine(0, ((axis, inner), (axis + 1, 1)))
        shape = [*x.shape[:axis], x.shape[axis] // inner, inner, *x.shape[axis + 1 :]]
        return self.view(x, maps, shape)

    def window(self, x: Tensor, windows: Sequence[Window]) -> Tensor:
        """Virtual im2col: each of the last axes of x becomes two, (window, place in the window).

        What lies outside reads zero.
        """
        first = len(x.shape) - len(windows)
        maps = [Affine(0, ((axis, 1),)) for axis in range(first)]
        shape = list(x.shape[:first])
        zeros = False
        for length, window in zip(x.shape[first:], windows, strict=True):
            at = len(shape)
            maps.append(Affine(-window.before, ((at, window.stride), (at + 1, window.dilation))))
            shape += [window.count, window.length]
            zeros |= window.before > 0 or window.last >= length
        return self.view(x, maps, shape, zeros=zeros)

    def largest(self, x: Tensor, axis: int) -> Tensor:
        """The maximum along one axis of any length: a tree of small maxima. The axis is dropped."""
        while x.shape[axis] > MAX_MAXIMUM:
            n = x.shape[axis]
            groups = -(-n // MAX_MAXIMUM)
            # the last element stands in for missing ones: it changes no maximum
            x = self.take(x, axis, [min(i, n - 1) for i in range(groups * MAX_MAXIMUM)])
            x = self.maximum(self.split_axis(x, axis, MAX_MAXIMUM), [axis + 1])
        return self.maximum(x, [axis])

    def bounded(self, x: Tensor, low: int, high: int) -> Tensor:
        """``x`` with tighter bounds, which interval arithmetic cannot see: the remainder of a
        division, a sum of parts of which one is at each place.
        """
        self.nodes[x.node] = replace(self.nodes[x.node], low=low, high=high)
        self.tensors[x.node] = replace(x, low=low, high=high)
        return self.tensors[x.node]


def rounded(values: npt.NDArray[np.generic], scale: int) -> Integers:
    """Reals as integers at a scale, half up."""
    return np.floor(np.asarray(values, dtype=np.float64) * 2.0**scale + 0.5).astype(np.int64)
