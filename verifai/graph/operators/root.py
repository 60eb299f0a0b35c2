"""Roots: 1 / sqrt(x), by which normalisations multiply, to about 2^-13 of itself, however small x
is; and sqrt(x), of which a small x has half of the bits that it has itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from verifai.graph.builder import Tensor
from verifai.graph.integer import MAX_RANGED_BITS
from verifai.graph.lower import Lowering, OnnxNode, operator
from verifai.graph.operators.unary import tabulated, wide_table

#: Up to this ratio of the largest x to the smallest one an activation's bits are enough.
NEAR: Final = 8.0
#: The same for a root, which is compared with the largest one.
NEAR_ROOT: Final = 64.0
#: Bits of a piece of x that says how large x is.
PIECE: Final = 12
#: Leading bits of x that its root is looked up by.
SIGNIFICAND: Final = 14
#: Most bits of x: its product with a power of four stays below 2^62.
MOST_BITS: Final = 30
#: Most bits that a tensor has beyond those of an activation.
MOST_FINER: Final = MAX_RANGED_BITS - 16 - 8


def inverse_root(low: Lowering, node: OnnxNode) -> Tensor:
    """``x ** -0.5``: one table if all x are of a size; else x is first brought to a size.

    Raises:
        UnsupportedError: as :func:`tabulated`.
    """
    name = node.inputs[0]
    least, most = low.ranges.get(name, (0.0, 0.0))
    if least <= 0:
        x = low.small(node, 0)
        return tabulated(low, x, name, lambda v: v**-0.5, node.outputs[0])
    ratio = most / least
    x = low.exact(node, 0)
    size = math.ceil(math.log2(most) + 1e-9)
    # the smallest x has a significand, and two bits more for smaller ones
    bits = min(MOST_BITS, SIGNIFICAND + 3 + math.ceil(math.log2(ratio)))
    bits -= max(0, bits - 1 - size - x.scale)  # there is no more of it
    # of a row that is nothing but epsilon the root may be coarse: what it multiplies is 0
    most_extra = MAX_RANGED_BITS - low.options.activation_bits
    extra = min(most_extra, 2 + math.ceil(math.log2(ratio) / 2))
    if ratio <= NEAR or bits < SIGNIFICAND + 3:
        wide = low.options.activation_bits + extra
        result = wide_table(low, low.small(node, 0), name, lambda v: v**-0.5, wide)
    else:
        result = _normalised(low, x, bits, size, -0.5)
        scale = low.scale(node.outputs[0]) + extra
        shift = max(0, result.scale - scale)
        result = low.builder.requantise(result, shift, low.options.activation_bits + extra, low=0)
    low.wide.add(result.node)
    return result


@operator("Sqrt")
def root(low: Lowering, node: OnnxNode) -> Tensor:
    """``sqrt(x)``: one table, unless some x are so far below the largest that the bits of an
    activation would leave their roots none; then x is first brought to a size.

    Raises:
        UnsupportedError: as :func:`tabulated`.
    """
    name, output = node.inputs[0], node.outputs[0]
    least, most = low.ranges.get(name, (0.0, 0.0))
    x = low.exact(node, 0)
    size = math.ceil(math.log2(most) + 1e-9) if most > 0 else 0
    bits = MOST_BITS - max(0, MOST_BITS - 1 - size - x.scale)  # there is no more of it
    if least < 0 or most <= NEAR_ROOT * least or bits < SIGNIFICAND + 3:
        return tabulated(low, low.small(node, 0), name, np.sqrt, output)
    result = _normalised(low, x, bits, size, 0.5)
    shift = max(0, result.scale - low.scale(output))
    return low.builder.requantise(result, shift, low.options.activation_bits)


def _normalised(low: Lowering, x: Tensor, bits: int, size: int, power: float) -> Tensor:
    """``x**power``, for 0.5 or -0.5, of an x up to 2**size, as an integer v of ``bits`` bits.

    ``v * 4**e`` with e such that it has bits or bits - 1 bits: ``v**-0.5 = 2**e (v * 4**e)**-0.5``,
    and the latter is a table of leading bits. Pieces of v, each less its leading zeros, say what e
    is: in all but one of them the tables hold 0. For the root the factor is ``2**-e``, in units of
    the smallest, and an x of 0 has the root 0.
    """
    build = low.builder
    scale = bits - 1 - size
    v = build.requantise(x, x.scale - scale, bits, low=0)
    if power < 0:
        v = build.maximum(v, [], 1)
    fours: list[tuple[int, Tensor]] = []
    twos: list[tuple[int, Tensor]] = []
    top = bits
    while top > 0:
        bottom = max(0, top - PIECE)
        piece = build.requantise(v, bottom, bits - bottom, floor=True, low=0) if bottom else v
        limit = 1 << top - bottom
        if top < bits:  # what an earlier piece tells apart
            piece = build.negative(build.maximum(build.negative(piece), [], -limit))
        exponents = [(bits - bottom - k.bit_length()) // 2 for k in range(1, limit)]
        units = [e if power < 0 else bits // 2 - e for e in exponents]
        for base, powers, terms in ((4, exponents, fours), (2, units, twos)):
            entries = [0, *(base**e for e in powers), *([0] if top < bits else [])]
            terms.append((1, build.lookup(piece, 0, np.array(entries, dtype=np.int64), 0)))
        top = bottom
    product = build.product(v, build.linear(fours, 0, 0))
    leading = build.requantise(product, bits - SIGNIFICAND, SIGNIFICAND, floor=True, low=0)
    # of leading bits k: (k + 1/2) 2^(bits - SIGNIFICAND - scale) = x * 4^e
    first = 1 << SIGNIFICAND - 2
    places = np.arange(first, 1 << SIGNIFICAND) + 0.5
    roots = (places * 2.0 ** (bits - SIGNIFICAND - scale)) ** power
    out = 15 - math.ceil(math.log2(float(roots.max())))
    outputs = np.floor(roots * 2.0**out + 0.5).astype(np.int64)
    if power > 0:  # the root of 0, which alone has no leading bits
        first, outputs = 0, np.concatenate([np.zeros(first, np.int64), outputs])
    table = build.lookup(leading, first, outputs, out)
    return build.product(table, build.linear(twos, 0, 0 if power < 0 else bits // 2))


def finer(low: Lowering, nodes: Iterable[OnnxNode]) -> dict[str, int]:
    """Tensors before and beside an inverse root, and the bits that they need beyond an activation's
    so that an outlier in one row leaves the others' precision.
    """
    found: dict[str, int] = {}
    made = {name: node for node in nodes for name in node.outputs}
    for node in made.values():
        if node.op_type == "Mul":
            for x, root in (node.inputs, node.inputs[::-1]):
                if root in made and _is_inverse(low, made[root]):
                    _beside(low, made, x, root, node.outputs[0], found)
        elif _is_inverse(low, node):
            _before(low, made, node.inputs[0], found)
    return found


def _is_inverse(low: Lowering, node: OnnxNode) -> bool:
    exponent = low.constant(node, 1)
    return node.op_type == "Pow" and exponent is not None and bool(np.all(exponent == -0.5))


def _beside(
    low: Lowering, made: Mapping[str, OnnxNode], x: str, root: str, y: str, found: dict[str, int]
) -> None:
    """``y = x * root``: the unit of y asks for a unit of x, and of what x was centred and summed
    from, that the largest root does not enlarge beyond it.
    """
    largest = low.ranges.get(root, (0.0, 0.0))[1]
    if not largest > 0:
        return
    wanted = low.scale(y) + math.ceil(math.log2(largest)) - 1
    names = [x]
    if x in made and made[x].op_type == "Sub":
        names.append(made[x].inputs[0])
    if names[-1] in made and made[names[-1]].op_type == "Add":
        names += made[names[-1]].inputs
    for name in names:
        bits = min(MOST_FINER, wanted - low.scale(name))
        if bits > 1 and name not in low.folded:
            found[name] = max(bits, found.get(name, 0))


def _before(low: Lowering, made: Mapping[str, OnnxNode], x: str, found: dict[str, int]) -> None:
    """What is scaled by a constant, or moved, before its root is taken: a sum of squares."""
    least, most = low.ranges.get(x, (0.0, 0.0))
    if not 0 < NEAR * least < most:
        return
    bits = min(MAX_RANGED_BITS - low.options.activation_bits, math.ceil(math.log2(most / least)))
    while x in made and made[x].op_type in ("Add", "Mul", "Div"):
        computed = [name for name in made[x].inputs if name not in low.folded]
        if len(computed) != 1 or (made[x].op_type == "Div" and made[x].inputs[0] != computed[0]):
            return
        x = computed[0]
        found[x] = max(bits, found.get(x, 0))
