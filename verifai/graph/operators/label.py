"""What tabular models end in: the label of the largest score, and the probit."""

from __future__ import annotations

import numpy as np

from verifai.errors import UnsupportedError
from verifai.graph.builder import Tensor
from verifai.graph.lower import Array, Lowering, OnnxNode, operator
from verifai.graph.operators.unary import tabulated

#: Bits of sums that are compared, sign included.
SCORE_BITS = 31
#: And of those that were rounded leaf by leaf: about what float32 has. Scores that differ by less
#: are equal to it, and a tie of two classes is for the first one.
EQUAL_BITS = 24


@operator("LinearClassifier")
def label(low: Lowering, node: OnnxNode) -> list[Tensor | Array]:
    """The label of the first largest score of shape [1, n]; of one score, the second label where it
    is above 0. The matrix is the identity: other classifiers were written out.
    """
    build = low.builder
    x = _scores(low, node)
    labels = np.array(node.attributes["classlabels_ints"], dtype=np.int64)
    count = x.shape[-1]
    flat = build.reshape(x, (count,))
    if count == 1:
        place = _at_least(low, build.linear([(1, flat)], -1, 0))
    else:
        largest = build.reshape(build.largest(flat, 0), (1,))
        gap = build.linear([(1, flat), (-1, build.broadcast(largest, (count,)))], 0, 0)
        first = _at_least(low, gap)
        # of the largest ones, the first has the most places after it
        after = build.weight(np.arange(count, 0, -1), 0)
        ranked = build.requantise(build.product(first, after), 0, count.bit_length(), low=0)
        best = build.reshape(build.largest(ranked, 0), (1,))
        place = build.bounded(build.linear([(-1, best)], count, 0), 0, count - 1)
    if not np.array_equal(labels, np.arange(len(labels))):
        place = build.lookup(place, 0, labels, 0)
    return [place]


def _scores(low: Lowering, node: OnnxNode) -> Tensor:
    """The scores in few enough bits that rounded ties are ties again."""
    x = low.exact(node, 0)
    if not x.open:
        shift = max(0, x.bits - EQUAL_BITS)
        return low.builder.requantise(x, shift, EQUAL_BITS + 1) if shift else x
    least, most = low.ranges.get(node.inputs[0], (0.0, 0.0))
    scale = low.scale_of(max(abs(least), abs(most)), SCORE_BITS)
    return low.builder.requantise(x, max(0, x.scale - scale), SCORE_BITS)


def _at_least(low: Lowering, x: Tensor) -> Tensor:
    """1 where ``x >= 0``: floor(x / 2^k) is 0 there, and -1 elsewhere."""
    build = low.builder
    width = max(x.high.bit_length(), (-x.low - 1).bit_length(), 1)
    sign = build.requantise(x, width, 1, floor=True, low=-1)
    return build.bounded(build.linear([(1, sign)], 1, 0), 0, 1)


@operator("LinearRegressor")
def probit(low: Lowering, node: OnnxNode) -> Tensor:
    """``sqrt(2) erfinv(2 x - 1)`` as onnxruntime approximates it, by a table."""
    if node.attributes.get("post_transform") != "PROBIT":
        raise UnsupportedError("a linear model that was not written out")
    return tabulated(low, low.small(node, 0), node.inputs[0], _probit, node.outputs[0])


def _probit(x: Array) -> Array:
    """Winitzki's approximation of the inverse error function."""
    sign = np.where(2 * x - 1 < 0, -1.0, 1.0)
    log = np.log(1 - (2 * x - 1) ** 2)
    first = 2 / (3.14159 * 0.147) + 0.5 * log
    return np.asarray(np.sqrt(2) * sign * np.sqrt(-first + np.sqrt(first**2 - log / 0.147)))
