"""Rules that write operators out in others, so that each part is calibrated: Einsum, Pow,
AffineGrid, and BatchNormalization as it trains.
"""

from __future__ import annotations

import math

import numpy as np

from verifai.graph.equation import parsed
from verifai.graph.expand import RULES, Body


def _einsum(body: Body) -> None:
    """Of many operands: two of them, then that and the next."""
    names = list(body.inputs)
    if len(names) < 3:
        raise ValueError("two operands are an operator")
    equation = body.attributes["equation"]
    labels, out = parsed(equation, [len(body.shapes[name]) for name in names])
    while len(names) > 2:
        rest = set(out).union(*labels[2:])
        kept = "".join(s for s in dict.fromkeys(labels[0] + labels[1]) if s in rest)
        made = body.add("Einsum", names[:2], equation=f"{labels[0]},{labels[1]}->{kept}")
        names, labels = [made, *names[2:]], [kept, *labels[2:]]
    body.add("Einsum", names, body.outputs[0], equation=f"{labels[0]},{labels[1]}->{out}")


def _power(body: Body) -> None:
    """Elements of one exponent together."""
    x, y = body.inputs
    exponents = body.known(y)
    if exponents is None or len(np.unique(exponents)) == 1:
        raise ValueError("one exponent is an operator")
    shape = np.broadcast_shapes(body.shape, exponents.shape)
    if shape != body.shape:
        x = body.add("Expand", [x, body.constant(shape, np.int64)])
    flat = body.reshaped(x, [-1])
    each = np.broadcast_to(exponents, shape).reshape(-1)
    order, parts = [], []
    for exponent in np.unique(each):
        places = np.flatnonzero(each == exponent)
        order += places.tolist()
        part = body.add("Gather", [flat, body.constant(places, np.int64)])
        if exponent == 0:
            parts.append(body.add("CastLike", [body.constant(np.ones(len(places))), part]))
        else:
            parts.append(body.add("Pow", [part, body.constant(exponent, exponents.dtype.type)]))
    joined = body.add("Concat", parts, axis=0)
    back = body.add("Gather", [joined, body.constant(np.argsort(order), np.int64)])
    body.reshaped(back, shape, body.outputs[0])


def _affine_grid(body: Body) -> None:
    """A product of the grid of the identity, which is constant, with theta."""
    theta, size = body.inputs
    sizes = body.known(size)
    if sizes is None:
        raise ValueError("a computed size")
    n, _, *spatial = sizes.tolist()
    rank = len(spatial)
    aligned = body.attributes.get("align_corners", 0)
    lines = [_line(length, aligned=bool(aligned)) for length in spatial]
    points = np.stack([*np.meshgrid(*lines, indexing="ij")[::-1], np.ones(spatial)], axis=-1)
    base = body.constant(points.reshape(math.prod(spatial), rank + 1))
    turned = body.add("Transpose", [theta], perm=[0, 2, 1])
    body.reshaped(body.add("MatMul", [base, turned]), (n, *spatial, rank), body.outputs[0])


def _line(length: int, *, aligned: bool) -> np.ndarray:
    """Where the pixels of an axis lie between -1 and 1: on the ends, or half a pixel from them."""
    if aligned:
        return np.linspace(-1, 1, length)
    return (2 * np.arange(length) + 1) / length - 1


def _batch(body: Body) -> None:
    """With the statistics of the batch, and the running ones that follow."""
    if not body.attributes.get("training_mode", 0):
        raise ValueError("inference is an operator")
    x, _, _, mean, variance = body.inputs
    rank = len(body.shape)
    axes = [axis for axis in range(rank) if axis != 1]
    own = body.reduced("ReduceMean", x, axes)
    centred, spread = body.centred(x, axes)
    shape = [-1, *(1 for _ in axes[1:])]
    y = body.add("Mul", [centred, body.inverse_root(spread)])
    body.affine(y, shape, body.outputs[0])
    momentum = float(body.attributes.get("momentum", 0.9))
    for name, old, new in zip(body.outputs[1:], (mean, variance), (own, spread), strict=False):
        kept = body.add("Mul", [old, body.constant(momentum)])
        added = body.add("Mul", [body.reshaped(new, [-1]), body.constant(1 - momentum)])
        body.add("Add", [kept, added], name)


RULES.update(
    {"AffineGrid": _affine_grid, "BatchNormalization": _batch, "Einsum": _einsum, "Pow": _power}
)
