"""Int8 models as the integer functions they are: QuantizeLinear and DequantizeLinear.

See :mod:`verifai.graph.dequantised` for how values stay exact in between, and
:mod:`verifai.graph.rescale` for how they become integers again. Scales and zero points are learned:
they are in weights only, but for the shift of each requantisation, the ends of its clip, which
channels need a second quotient, and tables of numbers that are quantised again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, Final

import numpy as np

from verifai.errors import UnsupportedError
from verifai.graph.builder import LETTERS, Tensor
from verifai.graph.dequantised import (
    Dequantised,
    DequantisedConstant,
    Term,
    Times,
    divided,
    fractions,
    repeated,
    summed,
)
from verifai.graph.integer import Integers
from verifai.graph.lower import Lowering, OnnxNode, operator
from verifai.graph.operators.arithmetic import clipped
from verifai.graph.rescale import Quotient, Single, half_even, rescale, rescale_sum

#: Bits of a quotient before it is clipped, by one table for all that need no more; one that leaves
#: the largest is an error of the run.
CLIP_BITS: Final = (10, 12, 14, 16)
#: Most bits of a number of which all results are a table.
TABULATED_BITS: Final = 10
#: Bits of the factors by which a dequantised value becomes an ordinary fixed-point number.
REAL_BITS: Final = 20
#: A weight holds so many bits; wider integers are several weights.
PART_BITS: Final = 30

#: Operators on dequantised values; each gives None where it does not cover a node.
Rule = Callable[[Lowering, OnnxNode], "Dequantised | Tensor | None"]
RULES: Final[dict[str, Rule]] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


def exactly(low: Lowering, node: OnnxNode) -> Dequantised | Tensor | None:
    """What the node makes of dequantised values without rounding; None if no rule covers it, and
    then its inputs are ordinary fixed-point numbers.
    """
    rule = RULES.get(node.op_type)
    made = None if rule is None else rule(low, node)
    if made is None:
        for name in node.inputs:
            if name in low.dequantised and name not in low.tensors:
                low.tensors[name] = real(low, low.dequantised[name], name)
    return made


# -- integers times integers that no single weight holds


def parts_of(values: Any) -> list[tuple[int, Integers]]:
    """Integers of any size as a sum of 32-bit ones times powers of two."""
    rest = np.asarray(values, dtype=object)
    found: list[tuple[int, Integers]] = []
    half, whole = 1 << PART_BITS - 1, 1 << PART_BITS
    while max(abs(int(v)) for v in rest.reshape(-1)) > (1 << 31) - 1:
        lower = (rest + half) % whole - half
        found.append((1 << PART_BITS * len(found), lower.astype(np.int64)))
        rest = (rest - lower) // whole
    return [*found, (1 << PART_BITS * len(found), rest.astype(np.int64))]


def contracted(low: Lowering, labels: str, x: Tensor, weights: Any, scale: int) -> Tensor:
    """An einsum of ``x`` with integers at a scale."""
    build = low.builder
    terms = [
        (factor, build.einsum(labels, x, build.weight(part, scale)))
        for factor, part in parts_of(weights)
    ]
    return terms[0][1] if len(terms) == 1 else build.linear(terms, 0, x.scale + scale)


def _plus(low: Lowering, x: Tensor, addends: Any, channels: tuple[int, ...]) -> Tensor:
    """``x`` plus integers at its scale, one for all or one for each channel."""
    values = np.asarray(addends, dtype=object)
    if not any(values):
        return x
    build = low.builder
    shaped = values.reshape(channels if len(values) > 1 else (1,) * max(1, len(x.shape)))
    if not x.shape:
        shaped = shaped.reshape(())
    terms = [
        (factor, build.broadcast(build.weight(part, x.scale), x.shape))
        for factor, part in parts_of(shaped)
    ]
    return build.linear([(1, x), *terms], 0, x.scale)


def closed_times(low: Lowering, x: Tensor, axis: int) -> Times:
    """A tensor without einsums times integers, by channels along ``axis`` if there are several."""

    def times(multipliers: Sequence[int], scale: int, _: Sequence[int] | None = None) -> Tensor:
        build = low.builder
        if not x.shape:
            line = build.reshape(x, (1,))
            return build.reshape(contracted(low, "a,a->a", line, list(multipliers), scale), ())
        letters = LETTERS[: len(x.shape)]
        at = axis if len(multipliers) > 1 else len(x.shape) - 1
        values = np.array(repeated(multipliers, x.shape[at]), dtype=object)
        return contracted(low, f"{letters},{letters[at]}->{letters}", x, values, scale)

    return times


# -- into and out of integers


@operator("DequantizeLinear", "QuantizeLinear", "QLinearConv", "QLinearMatMul")
def without_rule(low: Lowering, node: OnnxNode) -> Tensor:
    """What :data:`RULES` does not cover."""
    raise UnsupportedError("scales or zero points that the model computes, or blocks of them")


def known_scale(low: Lowering, node: OnnxNode, position: int) -> tuple[Fraction, ...] | None:
    """Known scales, exactly."""
    values = low.constant(node, position)
    if values is None or values.ndim > 1:
        return None
    found = fractions(values)
    if min(found) <= 0:
        raise UnsupportedError("a scale that is not positive")
    return found


def known_zero(low: Lowering, node: OnnxNode, position: int) -> Integers | None:
    """Known zero points, 0 where there are none; None if they are computed."""
    if not low.has(node, position):
        return np.zeros((), dtype=np.int64)
    values = low.constant(node, position)
    if values is None:
        return None
    if "int" not in values.dtype.name:  # int4 is of no kind that numpy has
        raise UnsupportedError(f"quantisation to {values.dtype}, which holds no integers")
    return values.astype(np.int64)


def _axis(node: OnnxNode, rank: int) -> int:
    return int(node.attributes.get("axis", 1)) % max(1, rank)


def channel_shape(rank: int, axis: int, count: int) -> tuple[int, ...]:
    return tuple(count if i == axis else 1 for i in range(rank))


def _less(low: Lowering, x: Tensor, zero: Integers, axis: int) -> Tensor:
    """``x - zero``, exact; no axis of length one is in the way."""
    if not zero.any():
        return x
    shape = channel_shape(len(x.shape), axis, zero.size) if zero.size > 1 else ()
    weight = low.builder.weight(zero.reshape(shape), 0)
    return low.builder.linear([(1, x), (-1, low.builder.broadcast(weight, x.shape))], 0, 0)


@rule("DequantizeLinear")
def dequantize(low: Lowering, node: OnnxNode) -> Dequantised | None:
    """``(x - zero) * scale``, nothing rounded."""
    scale, zero = known_scale(low, node, 1), known_zero(low, node, 2)
    if scale is None or zero is None or node.attributes.get("block_size"):
        return None
    return dequantised(low, low.small(node, 0), scale, zero, _axis_of(low, node))


def _axis_of(low: Lowering, node: OnnxNode) -> int:
    return _axis(node, len(low.shape(node.inputs[0])))


def dequantised(
    low: Lowering, x: Tensor, scale: tuple[Fraction, ...], zero: Integers, axis: int
) -> Dequantised:
    integers = _less(low, x, zero, axis)
    least, most = x.low - int(zero.max()), x.high - int(zero.min())
    times = closed_times(low, integers, axis)
    first = int(zero.reshape(-1)[0])
    term = Term(scale, least, most, times, divided(scale), zero=first, closed=integers)
    channels = channel_shape(len(x.shape), axis, len(scale))
    only = integers if len(scale) == 1 else None
    return Dequantised(x.shape, (term,), channels, integers=only)


def constant(low: Lowering, node: OnnxNode) -> None:
    """Remembers the integers of a DequantizeLinear of constants."""
    scale, zero = known_scale(low, node, 1), known_zero(low, node, 2)
    values = low.folded[node.inputs[0]]
    if scale is None or zero is None or node.attributes.get("block_size"):
        return
    axis = _axis(node, values.ndim)
    shape = channel_shape(values.ndim, axis, zero.size) if zero.size > 1 else ()
    integers = values.astype(np.int64) - zero.reshape(shape)
    low.dequantised_constants[node.outputs[0]] = DequantisedConstant(integers, scale, axis)


@rule("QuantizeLinear")
def quantize(low: Lowering, node: OnnxNode) -> Tensor | None:
    """Rounds half to even, adds the zero point, saturates."""
    scale, zero = known_scale(low, node, 1), known_zero(low, node, 2)
    if scale is None or zero is None or node.attributes.get("block_size"):
        return None
    kind = low.folded[node.inputs[2]].dtype if low.has(node, 2) else low.kind(node.outputs[0])
    value = low.dequantised.get(node.inputs[0])
    if value is None:
        value = _plain(low, low.small(node, 0), _axis_of(low, node), len(scale))
    return requantised(low, value, scale, zero, kind)


def _plain(low: Lowering, x: Tensor, axis: int, count: int) -> Dequantised:
    """A fixed-point number, which is an integer times a power of two."""
    unit = Fraction(2) ** -x.scale
    times = closed_times(low, low.builder.linear([(1, x)], 0, 0) if x.scale else x, axis)
    units = (unit,) * count
    term = Term(units, x.low, x.high, times, divided(units))
    return Dequantised(x.shape, (term,), channel_shape(len(x.shape), axis, count))


def requantised(
    low: Lowering,
    value: Dequantised,
    scale: tuple[Fraction, ...],
    zero: Integers,
    kind: np.dtype[Any],
) -> Tensor:
    """``saturate(half_even(value / scale) + zero)``."""
    if kind.kind not in "iu" or kind.itemsize > 1:
        raise UnsupportedError(f"quantisation to {kind}; 8 bits are exact here")
    if zero.size > 1 and len(set(zero.reshape(-1).tolist())) > 1:
        raise UnsupportedError("a zero point for each channel of a computed tensor")
    point = int(zero.reshape(-1)[0])
    ends = (int(np.iinfo(kind).min), int(np.iinfo(kind).max))
    if value.cut:
        if len(scale) > 1:
            raise UnsupportedError("a scale for each channel after a Relu or Clip")
        ends = _cut(value, scale[0], point, ends)
    made = _tabulated(low, value, scale, point, ends)
    if made is None:
        made = _clip(low, value, _rescale(value, scale, point, ends), ends)
    return made if made.shape == value.shape else low.builder.reshape(made, value.shape)


def _tabulated(
    low: Lowering,
    value: Dequantised,
    scale: tuple[Fraction, ...],
    zero: int,
    ends: tuple[int, int],
) -> Tensor | None:
    """Of one quantised number all results are a table, in float32 as onnxruntime has them."""
    (x, *others) = value.terms
    if others or x.closed is None or x.single is None or x.closed.bits > TABULATED_BITS:
        return None
    if value.count > 1 or len(scale) > 1 or any(value.offsets):
        return None
    first, last = x.closed.low, x.closed.high
    quotients = x.single(np.arange(first, last + 1)[np.newaxis], np.array([[scale[0]]], np.float32))
    outputs = np.clip(np.rint(quotients[0].astype(np.float64)) + zero, *ends).astype(np.int64)
    return low.builder.lookup(x.closed, first, outputs, 0)


def _cut(value: Dequantised, scale: Fraction, zero: int, ends: tuple[int, int]) -> tuple[int, int]:
    """What is left of the range of results where a Relu or Clip cuts: rounding is monotone."""
    low, high = ends
    if value.least is not None:
        low = min(high, max(low, half_even(value.least / scale) + zero))
    if value.most is not None:
        high = max(low, min(high, half_even(value.most / scale) + zero))
    return low, high


def _rescale(
    value: Dequantised, scale: tuple[Fraction, ...], zero: int, ends: tuple[int, int]
) -> tuple[Quotient, ...]:
    if len(value.terms) > 1:
        if value.count > 1 or any(value.offsets) or len(scale) > 1:
            raise UnsupportedError("a sum with scales for each channel")
        factors = [term.factors[0] / scale[0] for term in value.terms]
        bounds = [(term.low, term.high) for term in value.terms]
        single = summed(value.terms, scale[0], zero)
        return rescale_sum(factors, bounds, zero, ends, single)
    (term,) = value.terms
    count = max(value.count, len(scale))
    each = zip(repeated(term.factors, count), repeated(scale, count), strict=True)
    offsets = zip(repeated(value.offsets, count), repeated(scale, count), strict=True)
    return rescale(
        [factor / unit for factor, unit in each],
        [offset / unit for offset, unit in offsets],
        (term.low, term.high),
        zero,
        ends,
        _single(value, scale),
        apart=term.axis is not None,
    )


def _single(value: Dequantised, scale: tuple[Fraction, ...]) -> Single | None:
    """How kernels for integers requantise the only term: a bias of theirs is an integer that is
    added to the accumulator. None if there are no such kernels.
    """
    (term,) = value.terms
    single, addends = term.single, []
    for offset, factor in zip(
        repeated(value.offsets, value.count), repeated(term.factors, value.count), strict=True
    ):
        addend = half_even(offset / factor)
        # the scale of a bias is a product that was rounded to float32
        if abs(offset / factor - addend) > abs(addend) * Fraction(1, 1 << 22):
            return None
        addends.append(addend)
    if single is None or max(map(abs, addends)) >= 1 << 31:
        return None
    column = np.array(addends)[:, np.newaxis]
    units = np.array([float(unit) for unit in scale], dtype=np.float32)[:, np.newaxis]
    return lambda acc: single(acc + column, units)


def _clip(
    low: Lowering,
    value: Dequantised,
    quotients: Sequence[Quotient],
    ends: tuple[int, int],
) -> Tensor:
    """The sum of quotients within ends, by a table of all that it can be."""
    build = low.builder
    totals = [_total(low, value, quotient) for quotient in quotients]
    shifts = [quotient.shift for quotient in quotients]
    spans = [
        max(-(x.low >> shift), (x.high >> shift) + 1, 2)
        for x, shift in zip(totals, shifts, strict=True)
    ]
    needed = (max(sum(spans), *map(abs, ends)) - 1).bit_length() + 1
    bits = next((bits for bits in CLIP_BITS if bits >= needed), CLIP_BITS[-1])
    each = bits - len(totals) + 1
    made = [
        build.requantise(x, shift, each, floor=True)
        for x, shift in zip(totals, shifts, strict=True)
    ]
    x = made[0]
    if len(made) > 1:
        (term, *_), (_, second) = value.terms, quotients
        if second.channels is not None:
            assert term.axis is not None
            made[1] = _placed(low, made[1], term.axis, second.channels, x.shape[term.axis])
        x = build.linear([(1, q) for q in made], 0, 0)
    return build.lookup(x, x.low, np.clip(np.arange(x.low, x.high + 1), *ends), 0)


def _total(low: Lowering, value: Dequantised, quotient: Quotient) -> Tensor:
    """What is divided: of all channels, or of the quotient's."""
    terms = [
        term.times(multipliers, 0, quotient.channels)
        for term, multipliers in zip(value.terms, quotient.multipliers, strict=True)
    ]
    total = terms[0] if len(terms) == 1 else low.builder.linear([(1, term) for term in terms], 0, 0)
    channels = value.channels
    if quotient.channels is not None:
        channels = tuple(len(quotient.channels) if d > 1 else 1 for d in channels)
    return _plus(low, total, quotient.addends, channels)


def _placed(low: Lowering, x: Tensor, axis: int, channels: Sequence[int], count: int) -> Tensor:
    """Some channels at their places among ``count``, zeros at the others'."""
    place = {channel: number for number, channel in enumerate(channels)}
    with_zero = low.builder.sliced(x, axis, 0, len(channels) + 1)
    return low.builder.take(
        with_zero, axis, [place.get(channel, len(channels)) for channel in range(count)]
    )


def real(low: Lowering, value: Dequantised, name: str) -> Tensor:
    """A dequantised value as an ordinary fixed-point number, rounded."""
    largest = max(max(term.factors) for term in value.terms)
    scale = REAL_BITS - math.ceil(math.log2(float(largest)))
    unit = Fraction(2) ** scale
    build = low.builder
    parts = [
        term.times([half_even(factor * unit) for factor in term.factors], scale, None)
        for term in value.terms
    ]
    total = parts[0] if len(parts) == 1 else build.linear([(1, part) for part in parts], 0, scale)
    addends = [half_even(offset * unit) for offset in value.offsets]
    total = _plus(low, total, addends, value.channels)
    if value.cut or total.shape != value.shape:
        total = low.settled(total, name, force=True)
    ends = (None if end is None else float(end) for end in (value.least, value.most))
    return build.reshape(clipped(low, total, *ends), value.shape)
