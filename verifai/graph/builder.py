"""Adds nodes with their static bounds: interval arithmetic on integers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from verifai.errors import LimitError, UnsupportedError
from verifai.graph.integer import (
    MAX_ABSOLUTE,
    MAX_MAXIMUM,
    MAX_SHIFT,
    Affine,
    Einsum,
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
)
from verifai.limits import MAX_COMPUTED_ELEMENTS

#: Axis maps of a view.
Maps = Sequence[Affine | Indices]


@dataclass(frozen=True)
class Tensor:
    """A node under construction: its index, and what later steps ask of it."""

    node: int
    shape: tuple[int, ...]
    low: int
    high: int
    scale: int
    open: bool  # contains an einsum that was not requantised

    @property
    def bits(self) -> int:
        """Bits of a signed integer that holds every value."""
        return max(self.high.bit_length(), (-self.low - 1).bit_length() if self.low < 0 else 0) + 1


class Builder:
    """Nodes so far; every method adds one or a few and returns the result."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.tables: list[Table] = []
        self.name = ""  # of the ONNX node that is being lowered

    def _add(
        self,
        operation: Operation,
        shape: Sequence[int],
        low: int,
        high: int,
        scale: int,
        *,
        batched: bool,
        open_: bool = False,
    ) -> Tensor:
        if not all(shape):
            raise UnsupportedError(f"{self.name!r} makes a tensor without elements.")
        if math.prod(shape) > MAX_COMPUTED_ELEMENTS and not isinstance(operation, Weight):
            raise LimitError(f"{self.name!r} makes more than MAX_COMPUTED_ELEMENTS elements.")
        if max(abs(low), abs(high)) >= MAX_ABSOLUTE:
            raise UnsupportedError(f"{self.name!r} can exceed 2^62 in integers.")
        node = Node(operation, tuple(shape), low, high, scale, batched, self.name)
        self.nodes.append(node)
        return Tensor(len(self.nodes) - 1, node.shape, low, high, scale, open_)

    def _unequal(self) -> UnsupportedError:
        return UnsupportedError(
            f"{self.name!r} brings values to one scale that are more than 2^62 times apart (in a "
            "mask, -50 hides as well as -1e38)"
        )

    def _batched(self, *tensors: Tensor) -> bool:
        return any(self.nodes[tensor.node].batched for tensor in tensors)

    def input(self, position: int, shape: Sequence[int], bits: int, scale: int) -> Tensor:
        """A signed input of ``bits`` bits."""
        low, high = -(1 << bits - 1), (1 << bits - 1) - 1
        return self._add(Input(position), shape, low, high, scale, batched=True)

    def weight(self, values: Integers, scale: int) -> Tensor:
        """Integers of the model, bounded by their number of bits: bounds show in a key's ranges."""
        # ascontiguousarray adds an axis to scalars
        values = np.asarray(values, dtype=np.int64, order="C")
        # of absolute values: a bound that -2^k fits and 2^k does not would show a sign
        bits = int(np.abs(values).max()).bit_length()
        low, high = -(1 << bits), (1 << bits) - 1
        return self._add(Weight(values), values.shape, low, high, scale, batched=False)

    def view(self, x: Tensor, maps: Maps, shape: Sequence[int], *, zeros: bool = False) -> Tensor:
        """A static index map; ``zeros`` if it may read outside the source."""
        low, high = (min(x.low, 0), max(x.high, 0)) if zeros else (x.low, x.high)
        operation = View(x.node, tuple(maps))
        return self._add(
            operation, shape, low, high, x.scale, batched=self._batched(x), open_=x.open
        )

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
        return self._add(Reshape(x.node), shape, x.low, x.high, x.scale, batched=self._batched(x))

    def linear(self, terms: Sequence[tuple[int, Tensor]], offset: int, scale: int) -> Tensor:
        """``offset + sum coefficient * tensor``, all of one shape."""
        low = high = offset
        for coefficient, x in terms:
            if abs(coefficient) >= MAX_ABSOLUTE:
                raise self._unequal()
            ends = (coefficient * x.low, coefficient * x.high)
            low, high = low + min(ends), high + max(ends)
        operation = Linear(tuple((c, x.node) for c, x in terms), offset)
        tensors = [x for _, x in terms]
        return self._add(
            operation,
            tensors[0].shape,
            low,
            high,
            scale,
            batched=self._batched(*tensors),
            open_=any(x.open for x in tensors),
        )

    def constant(self, value: int, shape: Sequence[int], scale: int) -> Tensor:
        """A constant tensor that nothing commits to."""
        return self._add(Linear((), value), shape, value, value, scale, batched=False)

    def negative(self, x: Tensor) -> Tensor:
        """-x."""
        return self.linear([(-1, x)], 0, x.scale)

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
            batched=self._batched(left, right),
            open_=True,
        )

    def requantise(
        self, x: Tensor, shift: int, bits: int, *, floor: bool = False, low: int | None = None
    ) -> Tensor:
        """``floor((x + half) / 2**shift)``, ranged to ``bits`` bits from ``low`` (None: signed)."""
        first = -(1 << bits - 1) if low is None else low
        if shift >= MAX_SHIFT:
            raise self._unequal()
        return self._add(
            Requantise(x.node, shift, floor),
            x.shape,
            first,
            first + (1 << bits) - 1,
            x.scale - shift,
            batched=self._batched(x),
        )

    def maximum(self, x: Tensor, axes: Sequence[int], floor: int | None = None) -> Tensor:
        """The largest along axes that hold at most MAX_MAXIMUM elements in all."""
        assert math.prod(x.shape[axis] for axis in axes) <= MAX_MAXIMUM
        shape = [d for axis, d in enumerate(x.shape) if axis not in axes]
        low = x.low if floor is None else max(x.low, floor)
        high = x.high if floor is None else max(x.high, floor)
        operation = Maximum(x.node, tuple(axes), floor)
        return self._add(operation, shape, low, high, x.scale, batched=self._batched(x))

    def lookup(self, x: Tensor, first: int, outputs: Integers, scale: int) -> Tensor:
        """A table's outputs; equal tables are shared."""
        index = next(
            (
                index
                for index, table in enumerate(self.tables)
                if table.first == first and np.array_equal(table.outputs, outputs)
            ),
            len(self.tables),
        )
        if index == len(self.tables):
            self.tables.append(Table(first, np.ascontiguousarray(outputs, dtype=np.int64)))
        low, high = int(outputs.min()), int(outputs.max())
        return self._add(Lookup(x.node, index), x.shape, low, high, scale, batched=self._batched(x))

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

    def take(self, x: Tensor, axis: int, indices: Sequence[int]) -> Tensor:
        """x along one axis at static indices."""
        maps: list[Affine | Indices] = [Affine(0, ((a, 1),)) for a in range(len(x.shape))]
        maps[axis] = Indices(axis, tuple(int(i) for i in indices))
        shape = list(x.shape)
        shape[axis] = len(indices)
        return self.view(x, maps, shape)

    def shifted(self, x: Tensor, axis: int, offset: int, length: int) -> Tensor:
        """x along one axis from ``offset``, ``length`` entries, zero outside: slices and pads."""
        maps = [Affine(0, ((a, 1),)) for a in range(len(x.shape))]
        maps[axis] = Affine(offset, ((axis, 1),))
        shape = list(x.shape)
        shape[axis] = length
        zeros = offset < 0 or offset + length > x.shape[axis]
        return self.view(x, maps, shape, zeros=zeros)

    def strided(self, x: Tensor, axis: int, start: int, step: int, length: int) -> Tensor:
        """``x[start], x[start + step], ...`` along one axis."""
        maps = [Affine(0, ((a, 1),)) for a in range(len(x.shape))]
        maps[axis] = Affine(start, ((axis, step),))
        shape = list(x.shape)
        shape[axis] = length
        return self.view(x, maps, shape)

    def split_axis(self, x: Tensor, axis: int, inner: int) -> Tensor:
        """One axis of length n * inner as two, (n, inner)."""
        maps = []
        for a in range(len(x.shape)):
            if a == axis:
                maps.append(Affine(0, ((axis, inner), (axis + 1, 1))))
            else:
                maps.append(Affine(0, ((a + (a > axis), 1),)))
        shape = [*x.shape[:axis], x.shape[axis] // inner, inner, *x.shape[axis + 1 :]]
        return self.view(x, maps, shape)

    def window(
        self,
        x: Tensor,
        first: int,
        kernel: Sequence[int],
        strides: Sequence[int],
        dilations: Sequence[int],
        begin: Sequence[int],
        out: Sequence[int],
    ) -> Tensor:
        """Virtual im2col: axis first + i of x becomes the axes (position, place in the kernel).

        ``begin`` is the padding before; what lies outside reads zero.
        """
        maps = [Affine(0, ((axis, 1),)) for axis in range(first)]
        shape = list(x.shape[:first])
        zeros = False
        for i, (k, stride, dilation, pad, n) in enumerate(
            zip(kernel, strides, dilations, begin, out, strict=True)
        ):
            at = first + 2 * i
            terms = ((at, stride), (at + 1, dilation))
            maps.append(Affine(-pad, terms))
            shape += [n, k]
            last = (n - 1) * stride + (k - 1) * dilation - pad
            zeros |= pad > 0 or last >= x.shape[first + i]
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
        return replace(x, low=low, high=high)


def rounded(values: npt.NDArray[np.generic], scale: int) -> Integers:
    """Reals as integers at a scale, half up."""
    return np.floor(np.asarray(values, dtype=np.float64) * 2.0**scale + 0.5).astype(np.int64)
