"""Every unary elementwise operator, by one rule: the float function becomes a table.

ONNX's own reference implementation (``onnx.reference``) is evaluated at every integer that the
input can be. Few integers: one exact table. Many: a table of segments, ``base + slope * offset``,
if interpolation is good enough; the exact table otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from verifai.errors import UnsupportedError
from verifai.extras import require
from verifai.graph.builder import Tensor
from verifai.graph.integer import MAX_TABLE
from verifai.graph.lower import Array, Lowering, OnnxNode, operator
from verifai.graph.operators.plateau import PLATEAUS, visible
from verifai.graph.reference import alone, reference

#: Up to so many integers a table is exact whatever the function.
EXACT: Final = 1 << 10
#: What an interpolation costs beyond an exact table, in entries of one: lookups for each element,
#: nodes and products for each tensor. The steps of a recurrence share a table, which pays soon.
PER_ELEMENT: Final = 8
PER_TENSOR: Final = 512
#: Segments of an interpolated table: the first that is good enough.
SEGMENTS: Final = (1 << 10, 1 << 11, 1 << 12)
#: Largest error of interpolation that is accepted, in units of the output.
TOLERANCE: Final = 1.0
#: Fraction bits of bases and slopes beyond the output's scale.
GUARD: Final = 8
#: Bits of tables' outputs, sign included, that are factors only.
WIDE_BITS: Final = 30

#: By their ONNX names.
_UNARY: Final = """
    Acos Acosh Asin Asinh Atan Atanh Celu Cos Cosh Elu Erf Exp Gelu HardSigmoid HardSwish Log Mish
    Reciprocal Round Selu Shrink Sigmoid Sin Sinh Softplus Softsign Swish Tan Tanh
    ThresholdedRelu
"""
UNARY: Final = _UNARY.split()


@operator(*UNARY)
def unary(low: Lowering, node: OnnxNode) -> Tensor:
    """The table of ONNX's own definition of the operator."""
    far = node.op_type in PLATEAUS and node.inputs[0] in low.finer
    x = visible(low, node) if far else low.small(node, 0)
    return tabulated(low, x, node.inputs[0], _function(node, low.opset), node.outputs[0])


def _function(node: OnnxNode, opset: int) -> Callable[[Array], Array]:
    """The operator as ONNX's reference evaluates it, on float64."""
    helper = require("onnx", "onnx", "evaluating an operator").helper
    made = helper.make_node(node.op_type, ["x"], ["y"], **node.attributes)
    evaluate = reference(alone(made, {"x": np.zeros(1)}, opset))
    return lambda x: np.asarray(evaluate({"x": x.astype(np.float64)})[0], dtype=np.float64)


def tabulated(
    low: Lowering,
    x: Tensor,
    x_name: str,
    function: Callable[[Array], Array],
    name: str,
) -> Tensor:
    """``function(x)`` by tables, at the scale calibrated for ``name``.

    The table covers the integers around the calibrated range of x where the function is finite and
    fits the output; an input beyond is refused when the circuit runs. So is one at a pole within
    the range: the table holds a value there that the range check after it refuses.

    Raises:
        UnsupportedError: the function is not finite at an end of the calibrated range.
    """
    out = low.scale(name)
    bits = low.options.activation_bits
    limit = float(1 << bits - 1)
    begin, values = _values(low, x, x_name, function, out, limit, poles=True)
    if np.isnan(values).any():
        outputs = np.where(np.isnan(values), 1 << bits, np.floor(values + 0.5)).astype(np.int64)
        return low.builder.requantise(low.builder.lookup(x, begin, outputs, out), 0, bits)
    interpolation = math.prod(x.shape) * PER_ELEMENT + PER_TENSOR
    if len(values) > max(EXACT, low.copies.get(x_name, 0) * interpolation):
        for segments in SEGMENTS:
            seen = _calibrated(low, x, x_name)
            segmented = _segmented(low, x, begin, values, out, seen, segments)
            if segmented is not None:
                return segmented
    return low.builder.lookup(x, begin, np.floor(values + 0.5).astype(np.int64), out)


def wide_table(
    low: Lowering,
    x: Tensor,
    x_name: str,
    function: Callable[[Array], Array],
    bits: int = WIDE_BITS,
) -> Tensor:
    """``function(x)`` by one exact table with outputs of up to ``bits`` bits, to be a factor of a
    product: a reciprocal keeps its precision over a wide range of divisors.

    Raises:
        UnsupportedError: as :func:`tabulated`.
    """
    first, last = _calibrated(low, x, x_name)
    with np.errstate(all="ignore"):
        seen = np.abs(function(np.arange(first, last + 1) * 2.0**-x.scale))
    largest = float(np.max(seen, where=np.isfinite(seen), initial=0.0))
    wider = bits - low.options.activation_bits
    out = low.scale_of(largest) + wider
    begin, values = _values(low, x, x_name, function, out, float(1 << bits - 1))
    return low.builder.lookup(x, begin, np.floor(values + 0.5).astype(np.int64), out)


def _values(
    low: Lowering,
    x: Tensor,
    x_name: str,
    function: Callable[[Array], Array],
    out: int,
    limit: float,
    *,
    poles: bool = False,
) -> tuple[int, Array]:
    """The first integer of the domain, and the function from there on in units of 2**-out.

    With ``poles`` it is NaN where it is not finite or too large; there is no such place without.
    """
    domain = np.arange(x.low, x.high + 1)
    if len(domain) > MAX_TABLE:
        raise UnsupportedError(f"a table of {len(domain):,} entries")
    with np.errstate(all="ignore"):
        values = np.asarray(function(domain * 2.0**-x.scale), dtype=np.float64) * 2.0**out
    if low.options.saturate:
        values = np.where(np.isfinite(values), np.clip(values, 1 - limit, limit - 1), values)
    good = np.isfinite(values) & (values >= -limit) & (values + 0.5 < limit)
    first, last = (place - x.low for place in _calibrated(low, x, x_name))
    bad = np.flatnonzero(~good[first : last + 1])
    if poles and len(bad) and good[first] and good[last]:
        start, stop = _around(good, first, first)[0], _around(good, last, last)[1]
        return x.low + start, np.where(good, values, np.nan)[start:stop]
    if len(bad):
        where = domain[first + bad[len(bad) // 2]] * 2.0**-x.scale
        raise UnsupportedError(
            "the function is not finite, or beyond its calibrated range, at "
            f"{where:.6g}, within the calibrated range of its input"
        )
    start, stop = _around(good, first, last)
    return x.low + start, values[start:stop]


def _calibrated(low: Lowering, x: Tensor, name: str) -> tuple[int, int]:
    """The integers that calibration saw, at least one."""
    least, most = low.ranges.get(name, (0.0, 0.0))
    unit = 2.0**x.scale
    first = max(x.low, min(x.high, int(np.floor(least * unit))))
    return first, max(first, min(x.high, int(np.ceil(most * unit))))


def _around(good: Array, first: int, last: int) -> tuple[int, int]:
    """The longest run of good entries that holds the middle of first..last; stop is exclusive."""
    bad = np.flatnonzero(~good)
    middle = (first + last) // 2
    before, after = bad[bad <= middle], bad[bad > middle]
    start = int(before[-1]) + 1 if len(before) else 0
    stop = int(after[0]) if len(after) else len(good)
    return start, stop


def _segmented(
    low: Lowering,
    x: Tensor,
    begin: int,
    values: Array,
    out: int,
    seen: tuple[int, int],
    segments: int,
) -> Tensor | None:
    """Linear interpolation between segment ends; None if it is not good enough."""
    width = (len(values) // segments).bit_length() - 1
    if width < 1:
        return None
    size = 1 << width
    # whole segments only, aligned at multiples of their size: kinks at zero fall on an end
    first = -(-begin // size)
    count = (begin + len(values)) // size - first
    if count < 1:
        return None
    offset = first * size - begin
    inside = values[offset : offset + count * size]
    # the end of the last segment is extrapolated
    ends = np.append(inside[::size], 2 * inside[-1] - inside[-2])
    bases = np.floor(ends[:-1] * 2.0**GUARD + 0.5).astype(np.int64)
    slopes = np.floor((ends[1:] - ends[:-1]) * 2.0 ** (GUARD - width) + 0.5).astype(np.int64)
    places = np.arange(size)
    made = (bases[:, None] + slopes[:, None] * places + (1 << GUARD - 1)) >> GUARD
    if np.abs(made.reshape(-1) - inside).max() > TOLERANCE:
        return None
    if seen[0] < first * size or seen[1] >= (first + count) * size:
        return None  # calibration reached into a segment that is not whole
    build = low.builder
    # the sign of the input is kept: floor division by the segment's size
    high = build.requantise(x, width, max(1, x.bits - width), floor=True)
    rest = build.linear([(1, x), (-size, high)], 0, x.scale)
    rest = build.bounded(rest, 0, size - 1)
    base = build.lookup(high, first, bases, out + GUARD)
    slope = build.lookup(high, first, slopes, out + GUARD)
    steps = build.product(slope, rest)
    total = build.linear([(1, base), (1, steps)], 0, out + GUARD)
    return build.requantise(total, GUARD, low.options.activation_bits)
