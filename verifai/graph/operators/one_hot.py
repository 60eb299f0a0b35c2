"""One-hot vectors of computed indices: OneHot, and reading a small table at a computed place.

``one_hot(i)[k]`` is a table of one entry that is 1, looked up at ``i - k``: the place decides it
alone. What an index reads is the product of its one-hot vector with the table, so a proof shows
neither the index nor what else the table holds.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from verifai.errors import UnsupportedError
from verifai.graph.builder import LETTERS, Tensor
from verifai.graph.lower import Lowering, OnnxNode, is_whole, operator
from verifai.graph.operators.arithmetic import clipped
from verifai.graph.operators.division import truncated
from verifai.graph.operators.logic import chosen

#: Most entries of an axis that a computed index reads: each costs a lookup for each index.
MAX_INDEXED: Final = 1 << 10


def counted(low: Lowering, shape: tuple[int, ...], axis: int) -> Tensor:
    """0, 1, 2, ... along one axis, the same along the others: constants of the architecture."""
    count = shape[axis]
    places = low.builder.bounded(low.builder.weight(np.arange(count), 0), 0, count - 1)
    line = low.builder.reshape(places, [count if a == axis else 1 for a in range(len(shape))])
    return low.builder.broadcast(line, shape)


def one_hot(low: Lowering, index: Tensor, count: int, *, wraps: bool = False) -> Tensor:
    """Along a new last axis of length ``count`` 1 at the index, else 0; all 0 for an index outside.

    With ``wraps`` -1 is the last place, down to ``-count``.
    """
    build = low.builder
    shape = (*index.shape, count)
    column = build.broadcast(build.reshape(index, (*index.shape, 1)), shape)
    places = counted(low, shape, len(shape) - 1)
    gap = build.linear([(1, column), (-1, places)], 0, 0)
    here = np.arange(gap.low, gap.high + 1)
    hit = (here == 0) | ((here == -count) & wraps)
    return build.lookup(gap, gap.low, hit.astype(np.int64), 0)


def placed(low: Lowering, index: Tensor, count: int) -> Tensor:
    """Indices of an axis, of which negative ones count from its end; others fail the run."""
    if index.low >= 0 and index.high < count:
        return index
    outputs = np.arange(-count, count) % count
    return low.builder.lookup(index, -count, outputs, 0)


def indices_of(low: Lowering, node: OnnxNode, position: int) -> Tensor:
    """A computed input of integers, exact.

    Raises:
        UnsupportedError: it holds no integers.
    """
    if not is_whole(low.kind(node.inputs[position])):
        raise UnsupportedError("indices that are no integers")
    return low.small(node, position)


@operator("OneHot", integers=True)
def one_hot_operator(low: Lowering, node: OnnxNode) -> Tensor:
    """Of a constant depth; an index outside of it gives no hot value, as ONNX says."""
    depth = int(np.asarray(low.known(node, 1, "the depth")).reshape(-1)[0])
    if depth < 1:
        raise UnsupportedError("a depth below 1")
    index = low.small(node, 0)
    if not is_whole(low.kind(node.inputs[0])):
        index = truncated(low, index)
    hot = one_hot(low, clipped(low, index, -depth - 1, depth), depth, wraps=True)
    rank = len(index.shape) + 1
    axis = int(node.attributes.get("axis", -1)) % rank
    hot = low.builder.permute(hot, [*range(axis), rank - 1, *range(axis, rank - 1)])
    values = low.constant(node, 2)
    if values is not None and np.array_equal(values, [0, 1]):
        return hot
    off, on = (_number(low, node, place) for place in (0, 1))
    return chosen(low, hot, on, off)


def _number(low: Lowering, node: OnnxNode, place: int) -> Tensor:
    """One of the two values of OneHot."""
    return low.builder.reshape(low.builder.take(low.small(node, 2), 0, [place]), ())


def gathered(low: Lowering, node: OnnxNode) -> Tensor:
    """Gather by computed indices, into an axis of at most MAX_INDEXED entries."""
    x, index = low.small(node, 0), indices_of(low, node, 1)
    rank = len(x.shape)
    axis = int(node.attributes.get("axis", 0)) % rank
    letters, own = LETTERS[:rank], LETTERS[rank : rank + len(index.shape)]
    out = letters[:axis] + own + letters[axis + 1 :]
    return _read(low, x, letters, axis, index, own, out)


def gathered_elements(low: Lowering, node: OnnxNode) -> Tensor:
    """GatherElements by computed indices: each reads along its own line of x."""
    x, index = low.small(node, 0), indices_of(low, node, 1)
    rank = len(x.shape)
    axis = int(node.attributes.get("axis", 0)) % rank
    for other in range(rank):
        if other != axis:
            x = low.builder.sliced(x, other, 0, index.shape[other])
    own = LETTERS[:rank]
    line = own[:axis] + LETTERS[rank] + own[axis + 1 :]
    return _read(low, x, line, axis, index, own, own)


def gathered_tuples(low: Lowering, node: OnnxNode) -> Tensor:
    """GatherND by computed tuples, each of which is a place among the axes that it indexes."""
    x, tuples = low.small(node, 0), indices_of(low, node, 1)
    batch = int(node.attributes.get("batch_dims", 0))
    lead, count = tuples.shape[:-1], tuples.shape[-1]
    indexed = x.shape[batch : batch + count]
    require_small(math.prod(indexed))
    build = low.builder
    terms = []
    for place, length in enumerate(indexed):
        part = build.reshape(build.take(tuples, len(lead), [place]), lead)
        stride = math.prod(indexed[place + 1 :])
        terms.append((stride, placed(low, part, length)))
    index = build.bounded(build.linear(terms, 0, 0), 0, math.prod(indexed) - 1)
    x = build.reshape(x, (*x.shape[:batch], math.prod(indexed), *x.shape[batch + count :]))
    letters = LETTERS[: len(x.shape)]
    own = letters[:batch] + LETTERS[len(letters) : len(letters) + len(lead) - batch]
    return _read(low, x, letters, batch, index, own, own + letters[batch + 1 :])


def _read(
    low: Lowering, x: Tensor, letters: str, axis: int, index: Tensor, own: str, out: str
) -> Tensor:
    """``x`` along ``axis`` at computed indices. The letters are those of an einsum: of x, of the
    indices and of the result.

    Raises:
        UnsupportedError: the axis has more than MAX_INDEXED entries.
    """
    count = x.shape[axis]
    require_small(count)
    hot = one_hot(low, placed(low, index, count), count)
    result = low.builder.einsum(f"{letters},{own}{letters[axis]}->{out}", x, hot)
    return low.builder.bounded(result, x.low, x.high)  # exactly one is hot


def require_small(count: int) -> None:
    """Refuses an axis that is too long for one-hot vectors.

    Raises:
        UnsupportedError: it has more than MAX_INDEXED entries.
    """
    if count > MAX_INDEXED:
        raise UnsupportedError(
            f"an index that the model computes, into {count:,} entries; {MAX_INDEXED:,} are "
            "possible",
            hint="Make the index a constant of the model, or the table smaller.",
        )
