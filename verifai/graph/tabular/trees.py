"""Ensembles of trees: sums over leaves, and what becomes of the sums."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from verifai.errors import UnsupportedError
from verifai.graph.forest import numbers
from verifai.graph.tabular.scores import both, label, labels_of, transformed
from verifai.graph.tabular.writing import DOMAIN, Rule, Writing

#: Post-transforms of ``TreeEnsemble``, in the order of their numbers.
_TRANSFORMS: Final = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")
#: What a classifier's attributes are called in a regressor.
_RENAMED: Final = {
    "class_ids": "target_ids",
    "class_nodeids": "target_nodeids",
    "class_treeids": "target_treeids",
    "class_weights": "target_weights",
    "class_weights_as_tensor": "target_weights_as_tensor",
}
_OF_CLASSIFIERS: Final = ("classlabels_int64s", "classlabels_strings", "post_transform")


def _sums(w: Writing, kind: str, targets: int, attributes: dict[str, Any]) -> str:
    """The sums over all trees: the node that stays."""
    return w.add(kind, [w.node.inputs[0]], shape=(1, targets), domain=DOMAIN, **attributes)


def regressor(w: Writing) -> None:
    """Sums, then a post-transform."""
    attributes = dict(w.attributes)
    kind = str(attributes.pop("post_transform", "NONE"))
    sums = _sums(w, "TreeEnsembleRegressor", int(attributes.get("n_targets", 1)), attributes)
    # of other post-transforms of one target onnxruntime knows the probit only
    single = int(attributes.get("n_targets", 1)) == 1 and kind != "PROBIT"
    transformed(w, sums, "NONE" if single else kind, w.output)


def ensemble(w: Writing) -> None:
    """Sums, then a post-transform."""
    attributes = dict(w.attributes)
    kind = _TRANSFORMS[int(attributes.pop("post_transform", 0))]
    targets = int(attributes.get("n_targets", 1))
    sums = _sums(w, "TreeEnsemble", targets, attributes)
    transformed(w, sums, "NONE" if targets == 1 and kind != "PROBIT" else kind, w.output)


def classifier(w: Writing) -> None:
    """Sums, one for each class, or one for two classes; the label, and a post-transform."""
    labels = labels_of(w, "classlabels_int64s")
    attributes = {
        _RENAMED.get(name, name): value
        for name, value in w.attributes.items()
        if name not in _OF_CLASSIFIERS
    }
    kind = str(w.attributes.get("post_transform", "NONE"))
    classes = {int(number) for number in w.attributes.get("class_ids", [])}
    if len(labels) == 2 and classes == {0}:
        _one(w, labels, attributes, kind)
        return
    if len(labels) == 2:
        # onnxruntime reads one score as a probability where no weight is negative
        likely = classes != {0, 1} and min(numbers(attributes, "target_weights")) >= 0
        _two(w, labels, attributes, kind, 0.5 if likely else 0.0)
        return
    attributes["n_targets"] = len(labels)
    sums = _sums(w, "TreeEnsembleRegressor", len(labels), attributes)
    label(w, sums, labels, w.result(0))
    transformed(w, sums, kind, w.result(1))


def _two(
    w: Writing, labels: list[int], attributes: dict[str, Any], kind: str, least: float
) -> None:
    """Scores of both classes; the label is the second one's if its score is more than ``least``."""
    if numbers(attributes, "base_values"):
        raise UnsupportedError("base values of two classes with weights of the second")
    sums = _sums(w, "TreeEnsembleRegressor", 2, attributes | {"n_targets": 2})
    second = w.add("Gather", [sums, w.learned([1], np.int64)], shape=(1, 1), axis=1)
    _decided(w, second, labels, least)
    transformed(w, sums, kind, w.result(1))


def _decided(w: Writing, score: str, labels: list[int], least: float) -> None:
    above = w.add("Sub", [score, w.learned(least)], shape=(1, 1)) if least else score
    label(w, above, labels, w.result(0))


def _one(w: Writing, labels: list[int], attributes: dict[str, Any], kind: str) -> None:
    """One score for two classes: a probability where no weight is negative, else a logit."""
    weights, base = numbers(attributes, "target_weights"), numbers(attributes, "base_values")
    if len(base) > 1:
        raise UnsupportedError("two base values for one score")
    likely = min(weights) >= 0
    score = _sums(w, "TreeEnsembleRegressor", 1, attributes | {"n_targets": 1})
    _decided(w, score, labels, 0.5 if likely else 0.0)
    both(w, score, kind, w.result(1), likely=likely)


TREE_RULES: Final[dict[str, Rule]] = {
    "TreeEnsemble": ensemble,
    "TreeEnsembleClassifier": classifier,
    "TreeEnsembleRegressor": regressor,
}
