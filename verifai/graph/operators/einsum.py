"""Einsum of one or two operands, with repeated letters and an ellipsis; see also its rule in
:mod:`verifai.graph.rewriting`, which makes two of more.
"""

from __future__ import annotations

import numpy as np

from verifai.errors import UnsupportedError
from verifai.graph.builder import LETTERS, Tensor
from verifai.graph.equation import parsed
from verifai.graph.lower import Lowering, OnnxNode, operator


@operator("Einsum", integers=True)
def einsum(low: Lowering, node: OnnxNode) -> Tensor:
    """A product summed over the letters that the result lacks. A letter that one operand has alone
    is summed by a broadcast of the other.
    """
    if len(node.inputs) > 2:
        raise UnsupportedError("more than two operands that are not all of known shape")
    tensors = [low.small(node, i) for i in range(len(node.inputs))]
    labels, out = parsed(node.attributes["equation"], [len(x.shape) for x in tensors])
    names = dict(zip(dict.fromkeys("".join(labels) + out), LETTERS, strict=False))
    labels = ["".join(names[letter] for letter in label) for label in labels]
    out = "".join(names[letter] for letter in out)
    pairs = [_diagonal(low, x, label) for x, label in zip(tensors, labels, strict=True)]
    pairs = [_squeezed(low, x, label, pairs) for x, label in pairs]
    lengths = {
        letter: length for x, label in pairs for letter, length in zip(label, x.shape, strict=True)
    }
    if len(pairs) == 1:
        x, label = pairs[0]
        summed = [letter for letter in label if letter not in out]
        if not summed:
            return low.builder.permute(x, [label.index(letter) for letter in out])
        ones = low.builder.weight(np.ones([lengths[s] for s in summed], dtype=np.int64), 0)
        return low.builder.einsum(f"{label},{''.join(summed)}->{out}", x, ones)
    (x, a), (y, b) = pairs
    y, b = _broadcast(low, y, b, [s for s in a if s not in b + out], lengths)
    x, a = _broadcast(low, x, a, [s for s in b if s not in a + out], lengths)
    kept = "".join(letter for letter in out if letter in a + b)
    return low.builder.einsum(f"{a},{b}->{kept}", x, y)


def _squeezed(
    low: Lowering, x: Tensor, label: str, pairs: list[tuple[Tensor, str]]
) -> tuple[Tensor, str]:
    """Without axes of length one whose letter is longer elsewhere: they are broadcast."""
    longest: dict[str, int] = {}
    for other, letters in pairs:
        for letter, length in zip(letters, other.shape, strict=True):
            longest[letter] = max(length, longest.get(letter, 1))
    keep = [i for i, s in enumerate(label) if x.shape[i] == longest[s]]
    x = low.builder.reshape(x, [x.shape[i] for i in keep])
    return x, "".join(label[i] for i in keep)


def _broadcast(
    low: Lowering, x: Tensor, label: str, missing: list[str], lengths: dict[str, int]
) -> tuple[Tensor, str]:
    shape = [lengths[letter] for letter in missing]
    return low.builder.broadcast(x, (*shape, *x.shape)), "".join(missing) + label


def _diagonal(low: Lowering, x: Tensor, label: str) -> tuple[Tensor, str]:
    """The diagonal of axes that share a letter."""
    build = low.builder
    while len(set(label)) < len(label):
        twice = next(letter for letter in label if label.count(letter) > 1)
        first, second = [i for i, letter in enumerate(label) if letter == twice][:2]
        n = x.shape[first]
        if x.shape[second] != n:
            raise UnsupportedError("a diagonal of axes of different lengths")
        others = [i for i in range(len(label)) if i not in (first, second)]
        x = build.permute(x, [*others, first, second])
        x = build.reshape(x, (*x.shape[:-2], n * n))
        x = build.take(x, len(others), range(0, n * n, n + 1))
        label = "".join(label[i] for i in others) + twice
    return x, label
