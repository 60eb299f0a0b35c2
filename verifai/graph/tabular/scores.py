"""What becomes of scores: a post-transform, and the label of the largest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from verifai.errors import UnsupportedError
from verifai.graph.forest import texts
from verifai.graph.tabular.writing import DOMAIN, Writing

#: Scores closer to zero than this count as zero in SOFTMAX_ZERO.
ZERO = 1e-7


def transformed(w: Writing, scores: str, kind: str, output: str | None) -> None:
    """Writes a post-transform of scores of shape [1, n]."""
    if output is None:
        return
    if kind == "NONE":
        w.add("Identity", [scores], output)
    elif kind == "LOGISTIC":
        w.add("Sigmoid", [scores], output)
    elif kind in ("SOFTMAX", "SOFTMAX_ZERO"):
        shape = w.shape(scores)
        below = w.add("Sub", [scores, w.reduced("ReduceMax", scores, 1)])
        powers = w.add("Exp", [below], shape=shape)
        if kind == "SOFTMAX_ZERO":
            size = w.add("Abs", [scores])
            counted = w.add("Greater", [size, w.learned(ZERO)], shape=shape, dtype=np.bool_)
            powers = w.add("Mul", [powers, w.cast(counted, np.float32)], shape=shape)
        w.add("Div", [powers, w.reduced("ReduceSum", powers, 1)], output)
    elif kind == "PROBIT":
        rows = w.reshaped(scores, (w.shape(scores)[-1], 1))
        made = w.add(
            "LinearRegressor",
            [rows],
            shape=w.shape(rows),
            domain=DOMAIN,
            coefficients=[1.0],
            intercepts=[0.0],
            targets=1,
            post_transform="PROBIT",
        )
        w.reshaped(made, w.shape(scores), output)
    else:
        raise UnsupportedError(f"the post-transform {kind!r}")


def both(w: Writing, score: str, kind: str, output: str | None, *, likely: bool) -> None:
    """Writes the scores of two classes of which the second one's is known: ``1 - p`` and ``p`` of a
    probability, ``-s`` and ``s`` of anything else; a logistic is taken of ``-s`` and ``s``.
    """
    if kind == "PROBIT":
        raise UnsupportedError("a probit of one score for two classes")
    if output is None:
        return
    if likely and kind != "LOGISTIC":
        other = w.add("Sub", [w.learned([[1.0]]), score])
    else:
        other = w.add("Neg", [score])
    pair = [other, score]
    if kind == "LOGISTIC":
        pair = [w.add("Sigmoid", [part]) for part in pair]
    w.add("Concat", pair, output, axis=1)


def labels_of(w: Writing, *names: str) -> list[int]:
    """Integer class labels; of strings there are none.

    Raises:
        UnsupportedError: labels are strings, or missing.
    """
    if texts(w.attributes, "classlabels_strings"):
        raise UnsupportedError(
            "its labels are strings, which no circuit holds; give the classes numbers before "
            "training (sklearn's LabelEncoder)"
        )
    found = next((w.attributes[name] for name in names if w.attributes.get(name)), None)
    if found is None:
        raise UnsupportedError("no class labels")
    return [int(label) for label in found]


def label(w: Writing, scores: str, labels: Sequence[int], output: str | None) -> None:
    """Writes the label of the largest score, the first one of equal ones; of one score the second
    label if it is more than 0.
    """
    if output is None:
        return
    count = w.shape(scores)[-1]
    node = w.add(
        "LinearClassifier",
        [scores],
        shape=w.shape(scores),
        domain=DOMAIN,
        coefficients=np.eye(count, dtype=np.float32).reshape(-1).tolist(),
        intercepts=[0.0] * count,
        classlabels_ints=list(labels),
        multi_class=0,
        post_transform="NONE",
    )
    made = w.model.nodes[-1]
    del made.output[:]
    made.output.extend([output, f"{node}/scores"])
