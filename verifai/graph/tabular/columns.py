"""Operators that work on each column by itself, and those that choose and join columns."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from verifai.errors import UnsupportedError
from verifai.extras import require
from verifai.graph.forest import texts
from verifai.graph.tabular.writing import Array, Rule, Writing

_STRINGS = "strings have no circuit; give the categories numbers before (sklearn's OrdinalEncoder)"


def scaler(w: Writing) -> None:
    """``(x - offset) * scale``, as ``x * scale - offset * scale``: x may have columns of very
    different size, what comes out has not.
    """
    x = w.node.inputs[0]
    width = w.shape(x)[-1]
    scale = w.per_column(w.floats("scale") or [1.0], x)
    offset = w.per_column(w.floats("offset") or [0.0], x) * scale
    assert width == len(scale) == len(offset)

    def scaled(part: str, mine: slice) -> str:
        product = w.add("Mul", [part, w.learned(scale[mine])], shape=w.shape(part))
        return w.add("Sub", [product, w.learned(offset[mine])], shape=w.shape(part))

    w.each(x, scaled)


def normalizer(w: Writing) -> None:
    """Divided by the norm of the row."""
    kind = str(w.attributes.get("norm", "MAX"))
    reductions = {"MAX": "ReduceMax", "L1": "ReduceL1", "L2": "ReduceSumSquare"}
    if kind not in reductions:
        raise UnsupportedError(f"the norm {kind!r}")
    x = w.node.inputs[0]
    if w.kind(x) != np.float32:
        x = w.cast(x, np.float32)
    norm = w.reduced(reductions[kind], x, len(w.shape(x)) - 1)
    if kind == "L2":
        norm = w.add("Sqrt", [norm])
    w.add("Div", [x, norm], w.output)


def imputer(w: Writing) -> None:
    """Another value where the input holds the one that stands for a missing one. NaN is no input
    of a circuit: nothing is missing then.
    """
    x = w.node.inputs[0]
    whole = w.kind(x).kind in "iu"
    suffix = ("int64", "int64s") if whole else ("float", "floats")
    missing = w.attributes.get(f"replaced_value_{suffix[0]}", 0)
    values = list(w.attributes.get(f"imputed_value_{suffix[1]}", []))
    if isinstance(missing, float) and math.isnan(missing):
        w.add("Identity", [x], w.output)
        return
    kind = w.kind(x).type
    if len(values) not in (1, w.shape(x)[-1]):
        raise UnsupportedError(f"{len(values)} imputed values for {w.shape(x)[-1]} columns")
    absent = w.add("Equal", [x, w.learned(missing, kind)], shape=w.shape(x), dtype=np.bool_)
    w.add("Where", [absent, w.learned(values, kind), x], w.output)


def binarizer(w: Writing) -> None:
    """1 where the input is above the threshold."""
    x = w.node.inputs[0]
    threshold = w.learned(w.attributes.get("threshold", 0.0), w.kind(x).type)
    above = w.add("Greater", [x, threshold], shape=w.shape(x), dtype=np.bool_)
    w.cast(above, w.kind(x), w.output)


def _is(w: Writing, x: str, values: Array) -> str:
    """Whether each entry of x is each of some values, along a new last axis."""
    if w.kind(x).kind not in "fiu":
        raise UnsupportedError(_STRINGS)
    shape = (*w.shape(x), len(values))
    spread = w.reshaped(x, (*w.shape(x), 1))
    return w.add("Equal", [spread, w.learned(values, w.kind(x).type)], shape=shape, dtype=np.bool_)


def one_hot(w: Writing) -> None:
    """1 at the place of the category."""
    if texts(w.attributes, "cats_strings"):
        raise UnsupportedError(_STRINGS)
    found = _is(w, w.node.inputs[0], np.array(w.attributes["cats_int64s"]))
    if w.attributes.get("zeros", 1):
        w.cast(found, np.float32, w.output)
        return
    raise UnsupportedError(
        "a category that is not in the list would be an error, which a circuit cannot make; export "
        'with zeros=1 (sklearn: OneHotEncoder(handle_unknown="ignore"))'
    )


def label_encoder(w: Writing) -> None:
    """The value of the key that the input is, or the default: a sum over keys."""
    keys, values, default = _mapping(w)
    x = w.node.inputs[0]
    _, first = np.unique(keys, return_index=True)  # of equal keys the first one counts
    order = np.sort(first)
    found = w.cast(_is(w, x, keys[order]), values.dtype)
    total = w.add(
        "MatMul",
        [found, w.learned((values[order] - default)[:, None], values.dtype.type)],
        shape=(*w.shape(x), 1),
        dtype=values.dtype,
    )
    flat = w.reshaped(total, w.shape(x))
    w.add("Add", [flat, w.learned(default, values.dtype.type)], w.output)


def _mapping(w: Writing) -> tuple[Array, Array, Array]:
    """Keys, values and the default, all numbers."""
    helper = require("onnx.numpy_helper", "onnx", "reading an ONNX model")

    def numbers(role: str) -> Array | None:
        if w.attributes.get(f"{role}_tensor") is not None:
            return np.asarray(helper.to_array(w.attributes[f"{role}_tensor"]))
        for kind, suffix in ((np.int64, "int64s"), (np.float32, "floats")):
            if w.attributes.get(f"{role}_{suffix}"):
                return np.asarray(w.attributes[f"{role}_{suffix}"], dtype=kind)
        return None

    keys, values = numbers("keys"), numbers("values")
    if keys is None or values is None or keys.dtype.kind not in "fiu" or values.dtype.kind == "O":
        raise UnsupportedError(_STRINGS)
    known = ~np.isnan(keys.astype(np.float64))
    given = w.attributes.get("default_tensor")
    if given is not None:
        default = np.asarray(helper.to_array(given)).reshape(())
    elif values.dtype.kind == "f":
        default = np.asarray(w.attributes.get("default_float", -0.0))
    else:
        default = np.asarray(w.attributes.get("default_int64", -1))
    return keys[known], values[known], default.astype(values.dtype)


def feature_vectorizer(w: Writing) -> None:
    """Columns side by side; each input is cut, or filled with zeros, to its length."""
    lengths = w.attributes.get("inputdimensions") or []
    parts = []
    for place, name in enumerate(w.node.inputs):
        shape = w.shape(name)
        if len(shape) != 2:
            name = w.reshaped(name, (1, math.prod(shape)))
        width = int(lengths[place]) if place < len(lengths) else w.shape(name)[-1]
        if width != w.shape(name)[-1]:
            raise UnsupportedError("an input that has not as many columns as is said")
        parts += w.columns(name)
    w.join(parts, w.output)


def array_feature_extractor(w: Writing) -> None:
    """Columns by their numbers."""
    x, indices = w.node.inputs[:2]
    shape = w.shape(w.output)
    flat = w.reshaped(indices, (math.prod(w.shape(indices)),))
    taken = w.add("Gather", [x, flat], shape=shape, dtype=w.kind(x), axis=-1)
    if len(w.shape(x)) == 1:
        w.reshaped(taken, shape, w.output)
    else:
        w.add("Identity", [taken], w.output)


COLUMN_RULES: Final[dict[str, Rule]] = {
    "ArrayFeatureExtractor": array_feature_extractor,
    "Binarizer": binarizer,
    "FeatureVectorizer": feature_vectorizer,
    "Imputer": imputer,
    "LabelEncoder": label_encoder,
    "Normalizer": normalizer,
    "OneHotEncoder": one_hot,
    "Scaler": scaler,
}
