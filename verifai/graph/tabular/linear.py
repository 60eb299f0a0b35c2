"""Linear models and support vector machines."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from verifai.errors import UnsupportedError
from verifai.graph.tabular.scores import both, label, labels_of, transformed
from verifai.graph.tabular.writing import Array, Rule, Writing

#: Most classes of which pairs are compared: the votes are counted pair by pair.
MAX_CLASSES: Final = 32


def _affine(w: Writing, matrix: Array, offset: Array) -> str:
    """``x @ matrix + offset``: one product for each part of the columns."""
    total, at = None, 0
    for part in w.columns(w.node.inputs[0]):
        width = w.shape(part)[-1]
        rows = part if len(w.shape(part)) == 2 else w.reshaped(part, (1, width))
        weight = w.learned(matrix[at : at + width])
        shape = (w.shape(rows)[0], matrix.shape[1])
        made = w.add("MatMul", [rows, weight], shape=shape)
        total = made if total is None else w.add("Add", [total, made], shape=shape)
        at += width
    if total is None or at != len(matrix):
        raise UnsupportedError(f"{len(matrix)} coefficients for {at} columns")
    if not offset.any():
        return total
    return w.add("Add", [total, w.learned(offset)], shape=w.shape(total))


def regressor(w: Writing) -> None:
    """A matrix product."""
    targets = int(w.attributes.get("targets", 1))
    matrix = np.array(w.floats("coefficients")).reshape(targets, -1).T
    offset = np.array(w.floats("intercepts") or [0.0] * targets)
    kind = str(w.attributes.get("post_transform", "NONE"))
    transformed(w, _affine(w, matrix, offset), kind, w.output)


def classifier(w: Writing) -> None:
    """A matrix product, the label of the largest entry, and a post-transform."""
    labels = labels_of(w, "classlabels_ints")
    offset = np.array(w.floats("intercepts"))
    matrix = np.array(w.floats("coefficients")).reshape(len(offset), -1).T
    kind = str(w.attributes.get("post_transform", "NONE"))
    scores = _affine(w, matrix, offset)
    if len(offset) == 1 and len(labels) != 2:
        raise UnsupportedError("one score for other than two labels")
    label(w, scores, labels, w.result(0))
    if len(offset) == 1:
        both(w, scores, kind, w.result(1), likely=True)
    else:
        transformed(w, scores, kind, w.result(1))


# -- support vector machines


def _kernel(w: Writing, vectors: Array) -> str:
    """The kernel of the input with each support vector, of shape [1, vectors]."""
    kind = str(w.attributes.get("kernel_type", "LINEAR"))
    gamma, coefficient, degree = (*w.floats("kernel_params"), 0.0, 0.0, 0.0)[:3]
    shape = (1, len(vectors))
    if kind == "RBF":
        return _radial(w, vectors, gamma)
    if kind not in ("LINEAR", "POLY", "SIGMOID"):
        raise UnsupportedError(f"the kernel {kind!r}")
    if kind == "LINEAR":
        return _affine(w, vectors.T, np.zeros(1))
    inner = _affine(w, gamma * vectors.T, np.full(1, coefficient))
    if kind == "SIGMOID":
        return w.add("Tanh", [inner], shape=shape)
    power = w.learned(degree)
    return w.add("Pow", [inner, power], shape=shape)


def _radial(w: Writing, vectors: Array, gamma: float) -> str:
    """``exp(-gamma |x - v|^2)``, from squared differences: never from large squares that cancel."""
    root, at, total = math.sqrt(gamma), 0, None
    shape = (1, len(vectors))
    for part in w.columns(w.node.inputs[0]):
        width = w.shape(part)[-1]
        row = w.reshaped(part, (1, 1, width))
        near = w.learned(vectors[:, at : at + width])
        gap = w.add("Sub", [row, near], shape=(1, len(vectors), width))
        scaled = w.add("Mul", [gap, w.learned(np.full(1, root))], shape=(1, len(vectors), width))
        squares = w.reshaped(w.reduced("ReduceSumSquare", scaled, 2), shape)
        total = squares if total is None else w.add("Add", [total, squares], shape=shape)
        at += width
    if total is None or at != vectors.shape[1]:
        raise UnsupportedError(f"support vectors of {vectors.shape[1]} entries for {at} columns")
    return w.add("Exp", [w.add("Neg", [total])], shape=shape)


def support_regressor(w: Writing) -> None:
    """The weighted sum of kernels; of one class its sign."""
    count = int(w.attributes.get("n_supports", 0))
    coefficients, rho = np.array(w.floats("coefficients")), w.floats("rho")[0]
    if count:
        vectors = np.array(w.floats("support_vectors")).reshape(count, -1)
        product = w.add(
            "MatMul", [_kernel(w, vectors), w.learned(coefficients[:, None])], shape=(1, 1)
        )
        value = w.add("Add", [product, w.learned([rho])], shape=(1, 1))
    else:
        value = _affine(w, coefficients[:, None], np.full(1, rho))
    if not w.attributes.get("one_class"):
        w.add("Identity", [value], w.output)  # onnxruntime knows no post-transform here
        return
    above = w.add("Greater", [value, w.learned(0.0)], shape=(1, 1), dtype=np.bool_)
    twice = w.add("Mul", [w.cast(above, np.float32), w.learned(2.0)])
    w.add("Sub", [twice, w.learned(1.0)], w.output)


def support_classifier(w: Writing) -> None:
    """A score for each pair of classes, and the label with the most votes; without support vectors
    a linear classifier.
    """
    labels = labels_of(w, "classlabels_ints")
    if not w.attributes.get("vectors_per_class"):
        raise UnsupportedError(
            "a support vector machine without vectors; export it as a linear model (LinearSVC)"
        )
    if len(labels) > MAX_CLASSES:
        raise UnsupportedError(f"more than {MAX_CLASSES} classes, each compared with each")
    scores = _pairs(w, len(labels))
    probable = bool(w.attributes.get("prob_a"))
    if probable and len(labels) > 2:
        raise UnsupportedError(
            "probabilities of more than two classes, which an iteration finds; train it with "
            "probability=False"
        )
    _voted(w, scores, labels)
    if probable:
        _probabilities(w, scores)
    else:
        _scores(w, scores, len(labels))


def _pairs(w: Writing, classes: int) -> str:
    """The scores of all pairs (i, j), i < j: positive ones are votes for i."""
    sizes = [int(size) for size in w.attributes["vectors_per_class"]]
    ends = np.cumsum([0, *sizes])
    count = int(ends[-1])
    vectors = np.array(w.floats("support_vectors")).reshape(count, -1)
    coefficients = np.array(w.floats("coefficients")).reshape(classes - 1, count)
    pairs = [(i, j) for i in range(classes) for j in range(i + 1, classes)]
    matrix = np.zeros((count, len(pairs)))
    for place, (i, j) in enumerate(pairs):
        mine, other = slice(ends[i], ends[i + 1]), slice(ends[j], ends[j + 1])
        matrix[mine, place] = coefficients[j - 1, mine]
        matrix[other, place] = coefficients[i, other]
    product = w.add("MatMul", [_kernel(w, vectors), w.learned(matrix)], shape=(1, len(pairs)))
    offset = w.learned(w.floats("rho")[: len(pairs)])
    return w.add("Add", [product, offset], shape=(1, len(pairs)))


def _voted(w: Writing, scores: str, labels: list[int]) -> None:
    """The label of the class with the most votes, the first one of equal ones."""
    pairs = [(i, j) for i in range(len(labels)) for j in range(i + 1, len(labels))]
    won = np.zeros((len(pairs), len(labels)))
    first = np.zeros(len(labels))
    for place, (i, j) in enumerate(pairs):
        won[place, i], won[place, j] = 1, -1
        first[j] += 1
    above = w.add("Greater", [scores, w.learned(0.0)], shape=(1, len(pairs)), dtype=np.bool_)
    votes = w.add("MatMul", [w.cast(above, np.float32), w.learned(won)], shape=(1, len(labels)))
    counted = w.add("Add", [votes, w.learned(first)], shape=(1, len(labels)))
    label(w, counted, labels, w.result(0))


def _probabilities(w: Writing, scores: str) -> None:
    """Platt's sigmoid of the one score of two classes."""
    if (output := w.result(1)) is None:
        return
    a, b = w.floats("prob_a")[0], w.floats("prob_b")[0]
    scaled = w.add("Mul", [scores, w.learned([[-a]])], shape=(1, 1))
    logit = w.add("Add", [scaled, w.learned([-b])], shape=(1, 1))
    both_ = [w.add("Sigmoid", [logit]), w.add("Sigmoid", [w.add("Neg", [logit])])]
    w.add("Concat", both_, output, axis=1)


def _scores(w: Writing, scores: str, classes: int) -> None:
    """The scores as onnxruntime writes them: two of two classes."""
    kind, output = str(w.attributes.get("post_transform", "NONE")), w.result(1)
    if output is None:
        return
    if classes > 2:
        transformed(w, scores, kind, output)
    elif kind in ("NONE", "LOGISTIC"):
        both(w, scores, kind, output, likely=kind != "NONE")
    else:
        raise UnsupportedError(f"the post-transform {kind!r} of two classes")


LINEAR_RULES: Final[dict[str, Rule]] = {
    "LinearClassifier": classifier,
    "LinearRegressor": regressor,
    "SVMClassifier": support_classifier,
    "SVMRegressor": support_regressor,
}
