"""Ensembles of decision trees: all trees side by side, level by level.

=====================  ==========================================================================
step                   what
=====================  ==========================================================================
comparisons            one bit for each different (feature, threshold) of all trees: with ``x`` of k
                       bits and a hidden threshold ``t``, ``t - x`` lies in ``[-2^k, 2^k)``, and
                       ``floor((t - x) / 2^k)`` is 0 where ``x <= t`` and -1 elsewhere
inner nodes            the indicator of the yes-child is the parent's times the bit of its question,
                       the no-child's is the difference of the two: one product of bits for each
                       inner node, one table node for each level of all trees
leaves                 indicators of leaves times hidden weights, summed exactly
=====================  ==========================================================================

Exactly one leaf of each tree has the indicator 1, whatever the bits are. Which feature a node reads
and where its children are is architecture, which a key shows; thresholds and leaves are weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from verifai.errors import UnsupportedError
from verifai.graph.builder import Tensor
from verifai.graph.features import Feature, features_of
from verifai.graph.forest import Forest, Inner, forest
from verifai.graph.integer import MAX_RANGED_BITS
from verifai.graph.lower import MAX_ADDEND, Lowering, OnnxNode, operator
from verifai.graph.operators.linear import biased

#: Bits of sums over trees, sign included: leaves lose nothing that float32 has.
SCORE_BITS = 31


@operator("TreeEnsembleRegressor", "TreeEnsemble")
def ensemble(low: Lowering, node: OnnxNode) -> Tensor:
    """The aggregate of each target over all trees, in SCORE_BITS bits; no post-transform."""
    trees = forest(node)
    features = features_of(low, node.inputs[0])
    if trees.features > len(features):
        raise UnsupportedError(
            f"trees that read column {trees.features - 1} of {len(features)} columns"
        )
    if not trees.inner:
        raise UnsupportedError("trees without an inner node: the result is a constant")
    sums = _summed(low, trees, _answers(low, trees, features))
    if trees.base:
        if len(trees.base) not in (1, trees.targets):
            raise UnsupportedError("as many base values as targets, or one")
        sums = biased(low, sums, np.array(trees.base))
    return low.builder.reshape(low.builder.requantise(sums, 0, SCORE_BITS), (1, trees.targets))


# -- comparisons


def _answers(low: Lowering, trees: Forest, features: Sequence[Feature]) -> tuple[Tensor, list[int]]:
    """The answers to all different questions, as zeros and ones, and the place of each node's."""
    build = low.builder
    asked = dict.fromkeys(
        (node.feature, question, value)
        for node in trees.inner
        for value in node.values
        for question in (("<=", "<") if node.question == "=" else (node.question,))
    )
    bits, place = _compared(low, list(asked), features)
    equal = dict.fromkeys(
        (node.feature, node.values) for node in trees.inner if node.question == "="
    )
    if not equal:
        return bits, [place[node.feature, node.question, node.values[0]] for node in trees.inner]
    rows = [bits]
    for size in sorted({len(values) for _, values in equal}):
        row: list[Tensor] = []
        keys = [key for key in equal if len(key[1]) == size]
        for member in range(size):
            pairs = [(feature, values[member]) for feature, values in keys]
            most = build.take(bits, 0, [place[f, "<=", v] for f, v in pairs])
            less = build.take(bits, 0, [place[f, "<", v] for f, v in pairs])
            row.append(build.linear([(1, most), (-1, less)], 0, 0))
        # different values: at most one of them is equal
        total = build.linear([(1, x) for x in row], 0, 0)
        at = sum(x.shape[0] for x in rows)
        place.update({(f, "=", v): at + i for i, (f, v) in enumerate(keys)})  # type: ignore[misc]
        rows.append(build.bounded(total, 0, 1))
    return joined(low, rows), [
        place[node.feature, "=", node.values]  # type: ignore[index]
        if node.question == "="
        else place[node.feature, node.question, node.values[0]]
        for node in trees.inner
    ]


def _compared(
    low: Lowering, asked: Sequence[tuple[int, str, float]], features: Sequence[Feature]
) -> tuple[Tensor, dict[tuple[int, str, float], int]]:
    """``x <= t`` and ``x < t`` for columns x and numbers t, as zeros and ones.

    Columns of one width, in bytes, are compared side by side: the integers count, not their scales.
    """
    build = low.builder
    columns = {feature: features[feature] for feature, _, _ in asked}
    by_width: dict[int, list[int]] = {}
    for number, feature in columns.items():
        by_width.setdefault(-(-_width(feature.source) // 8), []).append(number)
    rows: list[Tensor] = []
    place: dict[tuple[int, str, float], int] = {}
    for numbers in by_width.values():
        values = _side_by_side(low, [columns[number] for number in numbers])
        width = max(_width(columns[number].source) for number in numbers)
        where = {number: at for at, number in enumerate(numbers)}
        mine = [question for question in asked if question[0] in where]
        thresholds = [columns[f].threshold(t, strict=mark == "<") for f, mark, t in mine]
        limit = [columns[f].source for f, _, _ in mine]
        moved = np.clip(
            thresholds,
            [max(x.low - 1, -MAX_ADDEND) for x in limit],
            [min(x.high, MAX_ADDEND) for x in limit],
        )
        weight = build.weight(moved.astype(np.int64), 0)
        taken = build.take(values, 0, [where[feature] for feature, _, _ in mine])
        difference = build.linear([(1, weight), (-1, taken)], 0, 0)
        sign = build.requantise(difference, width, 1, floor=True, low=-1)
        at = sum(x.shape[0] for x in rows)
        place.update({question: at + i for i, question in enumerate(mine)})
        rows.append(build.linear([(1, sign)], 1, 0))
    return joined(low, rows), place


def _width(x: Tensor) -> int:
    """k such that the difference of two values of x, or of one and a number next to its range,
    lies in [-2^k, 2^k).
    """
    return max(1, (x.high - x.low).bit_length())


def _side_by_side(low: Lowering, columns: Sequence[Feature]) -> Tensor:
    """The integers of these columns as one vector, each in its own unit."""
    build = low.builder
    rows, at = [], 0
    while at < len(columns):
        source = columns[at].source
        end = at
        while end < len(columns) and columns[end].source.node == source.node:
            end += 1
        if math.prod(source.shape) != source.shape[-1]:
            raise UnsupportedError(
                f"trees that read {math.prod(source.shape[:-1])} rows at once: give the model one "
                "row, and prove several with batch=True"
            )
        flat = build.reshape(source, (source.shape[-1],))
        rows.append(build.take(flat, 0, [column.column for column in columns[at:end]]))
        at = end
    return joined(low, rows)


def joined(low: Lowering, rows: Sequence[Tensor]) -> Tensor:
    """Vectors one after the other, as integers."""
    if len(rows) == 1:
        return rows[0]
    build = low.builder
    total, at, terms = sum(x.shape[0] for x in rows), 0, []
    for x in rows:
        terms.append((1, build.sliced(x, 0, -at, total)))
        at += x.shape[0]
    whole = build.linear(terms, 0, rows[0].scale)
    # one of them is at each place
    least, most = min(x.low for x in rows), max(x.high for x in rows)
    return build.bounded(whole, min(least, 0), max(most, 0))


# -- indicators


@dataclass
class _Level:
    """Inner nodes of one depth, of all trees.

    Attributes:
        nodes: their numbers.
        reached: 1 for those that are reached; None where all are, at the roots.
    """

    nodes: list[int]
    reached: Tensor | None


def _summed(low: Lowering, trees: Forest, answers: tuple[Tensor, list[int]]) -> Tensor:
    """The aggregate of the leaves that are reached, one for each target, at an exact scale."""
    bits, place = answers
    build = low.builder
    matrix, scale = _leaf_weights(trees)
    terms: list[tuple[int, Tensor]] = []
    constant = np.zeros(matrix.shape[1], dtype=np.int64)
    for root in trees.roots:
        if root < 0:
            constant += matrix[~root]
    level = _Level([root for root in trees.roots if root >= 0], None)
    while level.nodes:
        asked = build.take(bits, 0, [place[number] for number in level.nodes])
        children, reached = _descended(low, level, trees.inner, asked)
        leaves = [at for at, child in enumerate(children) if child < 0]
        if leaves:
            weight = build.weight(matrix[[~children[at] for at in leaves]], scale)
            terms.append((1, build.einsum("l,lt->t", build.take(reached, 0, leaves), weight)))
        inner = [at for at, child in enumerate(children) if child >= 0]
        level = _Level(
            [children[at] for at in inner], build.take(reached, 0, inner) if inner else None
        )
    if constant.any():
        terms.append((1, build.weight(constant, scale)))
    result = build.linear(terms, 0, scale)
    if trees.aggregate in ("AVERAGE", "SUM"):
        return result
    sign = 1 if trees.aggregate == "MAX" else -1
    each = build.requantise(build.linear([(sign, result)], 0, scale), 0, SCORE_BITS)
    best = build.largest(build.reshape(each, (len(trees.roots), trees.targets)), 0)
    return build.linear([(sign, best)], 0, scale)


def _descended(
    low: Lowering, level: _Level, inner: Sequence[Inner], asked: Tensor
) -> tuple[list[int], Tensor]:
    """The children of a level, yes-children first, and which of them are reached."""
    build = low.builder
    if level.reached is None:
        yes, no = asked, build.linear([(-1, asked)], 1, 0)
    else:
        yes = build.requantise(build.product(level.reached, asked), 0, 1, low=0)
        no = build.linear([(1, level.reached), (-1, yes)], 0, 0)
    # a parent that is not reached has no child that is
    no = build.bounded(no, 0, 1)
    children = [inner[n].yes for n in level.nodes] + [inner[n].no for n in level.nodes]
    return children, joined(low, [yes, no])


def _leaf_weights(trees: Forest) -> tuple[np.ndarray, int]:
    """Integers of all leaves, of shape (leaves, targets), and their scale: the finest at which no
    sum leaves SCORE_BITS. For MIN and MAX each tree has targets of its own.
    """
    count = len(trees.roots)
    apart = trees.aggregate in ("MIN", "MAX")
    values = np.zeros((len(trees.leaves), trees.targets * (count if apart else 1)))
    for number, leaf in enumerate(trees.leaves):
        if apart and sorted({target for target, _ in leaf}) != list(range(trees.targets)):
            raise UnsupportedError(f"{trees.aggregate} over trees that leave out a target")
        for target, weight in leaf:
            values[number, target + (trees.trees[number] * trees.targets if apart else 0)] += weight
    if trees.aggregate == "AVERAGE":
        values /= count
    owner = np.array(trees.trees)
    largest = np.zeros(values.shape[1])
    for tree in range(count):
        mine = np.abs(values[owner == tree])
        largest = largest + mine.max(0, initial=0.0)
    bound = float((largest + np.abs(np.resize(trees.base or 0.0, largest.shape))).max())
    scale = SCORE_BITS - 2 - int(np.ceil(np.log2(bound))) if bound else 0
    rounded = np.floor(values * 2.0**scale + 0.5).astype(np.int64)
    assert int(np.abs(rounded).max(initial=0)) < 1 << MAX_RANGED_BITS - 1
    return rounded, scale
