"""Functions that are level beyond some x, of an x that reaches far beyond: likelihoods, distances,
scores below a softmax, gates that are wide open.

An error of x is a relative error of exp(x), and a sigmoid changes within a few units. Where
calibration saw x reach hundreds, 16 bits would hold it in steps of a hundredth and more. But beyond
some x the result is one integer whatever x is, 0 of exp(x): x is held in more bits, cut off there,
which changes no result, and looked up in fine steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np

from verifai.graph.builder import Tensor
from verifai.graph.lower import Lowering, OnnxNode

#: Where functions become level, down and up (None: nowhere), if what differs from a limit by less
#: than exp(-u) is that limit.
PLATEAUS: Final[dict[str, Callable[[float], tuple[float, float | None]]]] = {
    "Exp": lambda u: (-u, None),
    "Sigmoid": lambda u: (-u, u),  # sigmoid(-v) < exp(-v)
    "Tanh": lambda u: (-(u + 1) / 2, (u + 1) / 2),  # 1 - tanh(v) < 2 exp(-2 v)
}
#: An x whose scale is at least this is held well enough as it is.
COARSE: Final = 7
#: Bits of an activation less those of the fraction: 16 units are more than exp(x) takes from the
#: smallest result that is not 0, 2^-15 of the largest possible one, to that one.
WHOLE_BITS: Final = 4
#: Most bits that a tensor has beyond those of an activation.
MOST: Final = 8
#: Operators whose result needs what they read in its own steps, and that read it in fine ones.
_LIKE_NAMES: Final = """
    Add Cast CastLike Flatten Gather ReduceMax ReduceSum Reshape Slice Split Squeeze Sub Transpose
    Unsqueeze
"""
_LIKE: Final = frozenset(_LIKE_NAMES.split())


def visible(low: Lowering, node: OnnxNode) -> Tensor:
    """What one of :data:`PLATEAUS` reads, not beyond where its result is always one integer."""
    x, bits = low.fine(node, 0), low.options.activation_bits
    least_, most_ = PLATEAUS[node.op_type]((low.scale(node.outputs[0]) + 1) * math.log(2))
    least = math.floor(least_ * 2.0**x.scale) - 1
    if x.bits <= bits or not x.low < least < x.high:
        return low.small(node, 0)
    build = low.builder
    cut = build.maximum(x, [], least)
    if most_ is not None and (most := math.ceil(most_ * 2.0**x.scale) + 1) < x.high:
        cut = build.negative(build.maximum(build.negative(cut), [], -most))
    return build.requantise(cut, 0, bits, low=least if most_ is None else None)


def fine_plateaus(low: Lowering, nodes: Iterable[OnnxNode]) -> dict[str, int]:
    """Bits beyond an activation's of what :data:`PLATEAUS` read, and of what makes it."""
    found: dict[str, int] = {}
    for node in nodes:
        if node.op_type in PLATEAUS and low.scale(node.inputs[0]) < COARSE:
            _ask(low, node.inputs[0], low.options.activation_bits - WHOLE_BITS, found)
    return found


def _ask(low: Lowering, name: str, scale: int, found: dict[str, int]) -> None:
    """Asks for a scale of a tensor, and of what it is made from."""
    bits = min(MOST, scale - low.scale(name))
    if bits <= max(1, found.get(name, 0)) or name in low.folded:
        return
    found[name] = bits
    node = low.producers.get(name)
    if node is None:
        return
    if node.op_type in _LIKE:
        for read in node.inputs:
            _ask(low, read, scale, found)
    elif node.op_type in ("Mul", "Div"):
        for place, other in ((0, 1), (1, 0)):
            factor = low.constant(node, other)
            if factor is not None and np.all(factor) and (place == 0 or node.op_type == "Mul"):
                sizes = np.abs(factor.astype(np.float64))
                largest = sizes.max() if node.op_type == "Mul" else 1 / sizes.min()
                _ask(low, node.inputs[place], scale + math.ceil(math.log2(largest)), found)
