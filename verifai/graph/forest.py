"""Ensembles of decision trees as ONNX writes them, in one form for all of them.

``TreeEnsembleRegressor`` lists nodes by (tree, node) pairs, the later ``TreeEnsemble`` by position,
with leaves apart. Here a tree has inner nodes that ask one of three questions, and leaves that hold
weights. What a missing value does is left out: none enters a circuit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from verifai.errors import UnsupportedError
from verifai.extras import require
from verifai.model.nodes import OnnxNode

#: Each mode as a question, and whether it is its negation.
_QUESTIONS: Final = {
    "BRANCH_LEQ": ("<=", False),
    "BRANCH_LT": ("<", False),
    "BRANCH_GT": ("<=", True),
    "BRANCH_GTE": ("<", True),
    "BRANCH_EQ": ("=", False),
    "BRANCH_NEQ": ("=", True),
    "BRANCH_MEMBER": ("=", False),
}
#: Modes of ``TreeEnsemble``, in the order of their numbers.
_MODES: Final = (
    "BRANCH_LEQ",
    "BRANCH_LT",
    "BRANCH_GTE",
    "BRANCH_GT",
    "BRANCH_EQ",
    "BRANCH_NEQ",
    "BRANCH_MEMBER",
)
_AGGREGATES: Final = ("AVERAGE", "SUM", "MIN", "MAX")
#: Attributes that later operator sets hold as tensors, of any float type.
_AS_TENSOR: Final = "_as_tensor"


@dataclass(frozen=True)
class Inner:
    """An inner node.

    Attributes:
        feature: a column of the input.
        question: ``<=`` or ``<`` one value, ``=`` one of several.
        values: what the feature is compared with.
        yes, no: children: ``Forest.inner[child]``, or ``Forest.leaves[~child]`` if negative.
    """

    feature: int
    question: str
    values: tuple[float, ...]
    yes: int
    no: int


@dataclass(frozen=True)
class Forest:
    """Decision trees, and what becomes of their leaves.

    Attributes:
        inner, leaves: of all trees; a leaf is a list of (target, weight).
        roots: one for each tree, written as a child.
        trees: the tree of each leaf.
        targets: how many sums there are.
        aggregate: AVERAGE, SUM, MIN or MAX over trees.
        base: what is added to each target.
    """

    inner: tuple[Inner, ...]
    leaves: tuple[tuple[tuple[int, float], ...], ...]
    roots: tuple[int, ...]
    trees: tuple[int, ...]
    targets: int
    aggregate: str
    base: tuple[float, ...]

    @property
    def features(self) -> int:
        """How many columns the trees read at least."""
        return 1 + max((node.feature for node in self.inner), default=-1)


def forest(node: OnnxNode) -> Forest:
    """The trees of a TreeEnsembleRegressor or TreeEnsemble.

    Raises:
        UnsupportedError: nodes that do not make trees.
    """
    read = _positions if node.op_type == "TreeEnsemble" else _pairs
    try:
        return read(node.attributes)
    except (IndexError, KeyError) as error:
        raise UnsupportedError(f"nodes that do not make trees ({error!r})") from None


def numbers(attributes: Mapping[str, Any], name: str) -> list[float]:
    """A list of floats, or the tensor of a later operator set, as Python floats."""
    helper = require("onnx.numpy_helper", "onnx", "reading an ONNX model")
    for key in (name, name + _AS_TENSOR):
        found = attributes.get(key)
        if found is not None:
            array = helper.to_array(found) if hasattr(found, "dims") else np.float32(found)
            return [float(value) for value in np.asarray(array).reshape(-1)]
    return []


def texts(attributes: Mapping[str, Any], name: str) -> list[str]:
    """A list of strings."""
    return [
        text.decode(errors="replace") if isinstance(text, bytes) else str(text)
        for text in attributes.get(name, [])
    ]


class _Growing:
    """Trees under construction; every node is reached once."""

    def __init__(self) -> None:
        self.inner: list[Inner] = []
        self.leaves: list[tuple[tuple[int, float], ...]] = []
        self.roots: list[int] = []
        self.trees: list[int] = []
        self._pending: list[tuple[int, Any, Any]] = []
        self._seen: set[Any] = set()

    def leaf(self, weights: Iterable[tuple[int, float]]) -> int:
        """A new leaf of the tree that grows now, as a child."""
        self.leaves.append(tuple(weights))
        self.trees.append(len(self.roots))
        return ~(len(self.leaves) - 1)

    def branch(self, feature: int, mode: str, values: Sequence[float], yes: Any, no: Any) -> int:
        """A new inner node, its children by their names; they are resolved later."""
        if mode not in _QUESTIONS:
            raise UnsupportedError(f"a tree with nodes of mode {mode!r}")
        question, negated = _QUESTIONS[mode]
        if not np.isfinite(values).all():
            raise UnsupportedError("a tree that compares with NaN or infinity")
        at = len(self.inner)
        self.inner.append(Inner(feature, question, tuple(values), 0, 0))
        self._pending.append((at, no, yes) if negated else (at, yes, no))
        return at

    def tree(self, root: Any, make: Any) -> None:
        """A whole tree; ``make(name)`` adds the node of that name and returns it as a child. Names
        that begin with "leaf" may come twice.
        """

        def once(name: Any) -> int:
            if name in self._seen:
                raise UnsupportedError("a tree with a node that two nodes lead to")
            if name[0] != "leaf":
                self._seen.add(name)
            return int(make(name))

        top = once(root)
        while self._pending:
            at, yes, no = self._pending.pop()
            old = self.inner[at]
            self.inner[at] = Inner(old.feature, old.question, old.values, once(yes), once(no))
        self.roots.append(top)

    def forest(self, targets: int, aggregate: str, base: Sequence[float]) -> Forest:
        """All trees."""
        if not all(0 <= target < targets for leaf in self.leaves for target, _ in leaf):
            raise UnsupportedError("a tree with a weight of a target that does not exist")
        if not np.isfinite([weight for leaf in self.leaves for _, weight in leaf]).all():
            raise UnsupportedError("a tree with a weight that is NaN or infinity")
        return Forest(
            tuple(self.inner),
            tuple(self.leaves),
            tuple(self.roots),
            tuple(self.trees),
            targets,
            aggregate,
            tuple(base),
        )


def _pairs(attributes: Mapping[str, Any]) -> Forest:
    """Nodes that are named by tree and number; the first of a tree is its root."""
    trees, ids = attributes["nodes_treeids"], attributes["nodes_nodeids"]
    modes, features = texts(attributes, "nodes_modes"), attributes["nodes_featureids"]
    values = numbers(attributes, "nodes_values") or [0.0] * len(modes)
    yes, no = attributes["nodes_truenodeids"], attributes["nodes_falsenodeids"]
    at = {pair: place for place, pair in enumerate(zip(trees, ids, strict=True))}
    weights: dict[tuple[int, int], list[tuple[int, float]]] = {}
    for tree, number, target, weight in zip(
        attributes["target_treeids"],
        attributes["target_nodeids"],
        attributes["target_ids"],
        numbers(attributes, "target_weights"),
        strict=True,
    ):
        weights.setdefault((tree, number), []).append((target, weight))
    growing = _Growing()

    def make(pair: tuple[int, int]) -> int:
        place = at[pair]
        if modes[place] == "LEAF":
            return growing.leaf(weights.get(pair, ()))
        children = ((pair[0], yes[place]), (pair[0], no[place]))
        return growing.branch(features[place], modes[place], [values[place]], *children)

    for tree, number in reversed(dict(reversed(list(at))).items()):
        growing.tree((tree, number), make)
    base = numbers(attributes, "base_values")
    aggregate = str(attributes.get("aggregate_function", "SUM"))
    return growing.forest(int(attributes.get("n_targets", 1)), aggregate, base)


def _positions(attributes: Mapping[str, Any]) -> Forest:
    """Nodes and leaves that are named by their positions."""
    helper = require("onnx.numpy_helper", "onnx", "reading an ONNX model")
    modes = helper.to_array(attributes["nodes_modes"]).reshape(-1).tolist()
    values = numbers(attributes, "nodes_splits")
    features = attributes["nodes_featureids"]
    targets, weights = attributes["leaf_targetids"], numbers(attributes, "leaf_weights")
    sides = {
        "yes": (attributes["nodes_truenodeids"], attributes["nodes_trueleafs"]),
        "no": (attributes["nodes_falsenodeids"], attributes["nodes_falseleafs"]),
    }
    members = _sets(numbers(attributes, "membership_values"))
    sets = {
        place: next(members) for place, mode in enumerate(modes) if _MODES[mode] == "BRANCH_MEMBER"
    }
    growing = _Growing()

    def make(name: tuple[str, int]) -> int:
        kind, place = name
        if kind == "leaf":
            return growing.leaf([(targets[place], weights[place])])
        children = [("leaf" if leaf[place] else "node", to[place]) for to, leaf in sides.values()]
        asked = sets.get(place, [values[place]])
        return growing.branch(features[place], _MODES[modes[place]], asked, *children)

    for root in attributes["tree_roots"]:
        # a tree of one leaf is a node whose two children are that leaf
        same = all(leaf[root] for _, leaf in sides.values()) and len(
            {to[root] for to, _ in sides.values()}
        )
        growing.tree(("leaf", sides["yes"][0][root]) if same == 1 else ("node", root), make)
    aggregate = _AGGREGATES[int(attributes.get("aggregate_function", 1))]
    return growing.forest(int(attributes.get("n_targets", 1)), aggregate, ())


def _sets(values: Sequence[float]) -> Any:
    """Lists of values, each ended by NaN."""
    found: list[float] = []
    for value in values:
        if np.isnan(value):
            yield found
            found = []
        else:
            found.append(value)
    if found:
        yield found
