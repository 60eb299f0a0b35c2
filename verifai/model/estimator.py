"""scikit-learn estimator -> ONNX, compared with the estimator before anyone gets it."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from verifai.errors import InputError, UnsupportedError, UsageError, VerifaiError
from verifai.extras import require
from verifai.model.model import Model, load
from verifai.model.quiet import quiet
from verifai.proof.tensor import MAX_TENSORS

#: Operator sets of ONNX and of its tabular part that are asked for.
OPSETS: Final = {"": 18, "ai.onnx.ml": 3}
#: Rows on which ONNX and the estimator are compared: of the data, and with columns shuffled.
COMPARED: Final = 64
#: ONNX computes in float32, sklearn in float64.
TOLERANCE: Final = 1e-3

Array = NDArray[Any]


def is_estimator(value: Any) -> bool:
    """Whether a value looks like an estimator of scikit-learn, without importing it."""
    return all(hasattr(value, name) for name in ("fit", "get_params")) and any(
        hasattr(value, name) for name in ("predict", "transform")
    )


def export_estimator(estimator: Any, data: Any, label: str) -> Model:
    """A fitted estimator or pipeline as ONNX; see :func:`verifai.export`.

    Args:
        data: rows like those that will be proved, as an array [N, columns] or a DataFrame.
        label: shown in messages.

    Raises:
        UsageError: the estimator is not fitted, or data is no table of numbers.
        UnsupportedError: skl2onnx cannot convert it, or ONNX disagrees with it.
        MissingExtraError: skl2onnx is not installed.
    """
    converter = require("skl2onnx", "sklearn", "exporting an estimator")
    _require_fitted(estimator, label)
    frame = hasattr(data, "columns") and hasattr(data, "iloc")
    table = data if frame else np.asarray(data)
    if len(getattr(table, "shape", ())) != 2 or not len(table):
        raise UsageError("X is a table of rows: an array of shape [N, columns], or a DataFrame.")
    kinds = _columns(table) if frame else {"X": _plain(table.dtype, "X")}
    _check_numbers(table, kinds)
    try:
        proto = _converted(converter, estimator, table, kinds, label)
    except UnsupportedError:
        if not frame:
            raise
        # an estimator by itself takes one tensor: the columns have to be joined before
        proto = _converted(converter, _joining(estimator, table), table, kinds, label)
    model = load(proto)
    for rows in (table[:COMPARED], _shuffled(table, frame)):
        _agree(model, estimator, rows, label)
    return model


def _require_fitted(estimator: Any, label: str) -> None:
    validation = require("sklearn.utils.validation", "sklearn", "exporting an estimator")
    exceptions = require("sklearn.exceptions", "sklearn", "exporting an estimator")
    try:
        validation.check_is_fitted(estimator)
    except exceptions.NotFittedError:
        raise UsageError(f"{label} is not fitted: call fit before.") from None


def _columns(table: Any) -> dict[str, np.dtype[Any]]:
    """The columns of a DataFrame and their types: each is an input, with a scale of its own."""
    if len(table.columns) > MAX_TENSORS:
        raise UnsupportedError(
            f"A DataFrame of {len(table.columns)} columns: each is an input, and a circuit has at "
            f"most {MAX_TENSORS}.",
            hint="Train on an array, X.to_numpy(): it is one input.",
        )
    if len({str(name) for name in table.columns}) < len(table.columns):
        raise UsageError("Two columns of the DataFrame have the same name.")
    return {str(name): _plain(table[name].dtype, str(name)) for name in table.columns}


def _plain(kind: Any, name: str) -> np.dtype[Any]:
    """float32, int64 or bool: what a column is in ONNX."""
    for wanted, kinds in ((np.float32, "f"), (np.int64, "iu"), (np.bool_, "b")):
        if getattr(kind, "kind", "O") in kinds:
            return np.dtype(wanted)
    raise UsageError(
        f"Column {name!r} holds {kind}, and a circuit has numbers only.",
        hint="Give categories numbers before the pipeline: OrdinalEncoder().fit_transform(X).",
    )


def _check_numbers(table: Any, kinds: Mapping[str, np.dtype[Any]]) -> None:
    columns = [table] if "X" in kinds and isinstance(table, np.ndarray) else []
    columns += [] if columns else [table[name].to_numpy() for name in table.columns]
    for name, column in zip(kinds, columns, strict=True):
        if column.dtype.kind == "f" and not np.isfinite(column).all():
            raise InputError(
                f"X holds NaN or infinity in {name!r}, which no circuit takes.",
                hint="Impute missing values before the pipeline, or write a number that stands for "
                "them, e.g. -999, and SimpleImputer(missing_values=-999).",
            )


def _converted(
    converter: Any, estimator: Any, table: Any, kinds: Mapping[str, np.dtype[Any]], label: str
) -> bytes:
    types = require("skl2onnx.common.data_types", "sklearn", "exporting an estimator")
    made = {"f": types.FloatTensorType, "i": types.Int64TensorType, "b": types.BooleanTensorType}
    width = 1 if hasattr(table, "columns") else table.shape[1]
    inputs = [(name, made[kind.kind]([1, width])) for name, kind in kinds.items()]
    said = io.StringIO()
    try:
        with (
            contextlib.redirect_stdout(said),
            warnings.catch_warnings(),
            quiet("skl2onnx"),
        ):
            warnings.simplefilter("ignore")
            proto = converter.convert_sklearn(
                estimator, initial_types=inputs, target_opset=dict(OPSETS)
            )
    except VerifaiError:
        raise
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        # skl2onnx's errors share no base class
        raise UnsupportedError(
            f"skl2onnx cannot convert {label}: {type(error).__name__}: {reason:.300}",
            hint="Its documentation lists the estimators that it converts.",
        ) from error
    return bytes(proto.SerializeToString())


def _joining(estimator: Any, table: Any) -> Any:
    """The estimator after a step that puts the columns of a DataFrame side by side."""
    compose = require("sklearn.compose", "sklearn", "exporting an estimator")
    pipeline = require("sklearn.pipeline", "sklearn", "exporting an estimator")
    step = compose.ColumnTransformer([("columns", "passthrough", list(table.columns))])
    return pipeline.Pipeline([("columns", step.fit(table)), ("estimator", estimator)])


def _shuffled(table: Any, frame: bool) -> Any:
    """Rows of which every column is drawn anew from its own values."""
    rng = np.random.default_rng(0)
    picks = rng.integers(0, len(table), (COMPARED, table.shape[1]))
    if not frame:
        return np.take_along_axis(table, picks, 0)
    rows = table.iloc[[0] * COMPARED].reset_index(drop=True)
    return rows.assign(
        **{name: table[name].to_numpy()[picks[:, i]] for i, name in enumerate(table.columns)}
    )


def _agree(model: Model, estimator: Any, rows: Any, label: str) -> None:
    """What ONNX computes for each row is what the estimator does.

    Raises:
        UnsupportedError: it is not.
    """
    found = [model.run(row) for row in _each(model, rows)]
    wanted = _wanted(estimator, rows, label)
    for position, (name, expected) in enumerate(wanted):
        if position >= len(model.outputs):
            return
        made = np.stack([outputs[position].reshape(-1) for outputs in found])
        if name == "predict" and hasattr(estimator, "classes_"):
            numbered = _numbered(estimator.classes_, np.asarray(expected).reshape(-1))
            _agree_on_labels(made[:, 0], numbered, dict(wanted).get("predict_proba"), label)
            continue
        expected = np.asarray(expected, dtype=np.float64).reshape(len(made), -1)
        if made.shape != expected.shape:
            raise UnsupportedError(
                f"{name} of {label} has shape {list(expected.shape)}, its ONNX {list(made.shape)}."
            )
        error, size = np.abs(made - expected).max(), np.abs(expected).max()
        if not error <= TOLERANCE * max(size, 1e-2):
            raise UnsupportedError(
                f"{name} of {label} differs between ONNX and sklearn by {error:.3g} (values up to "
                f"{size:.3g})."
            )


def _each(model: Model, rows: Any) -> list[Any]:
    """The rows one by one, as the model takes them."""
    if isinstance(rows, np.ndarray):
        kind = np.dtype(model.inputs[0].dtype)
        return [row[None].astype(kind) for row in rows]
    columns = {
        info.name: rows[_named(rows, info.name)].to_numpy().astype(info.dtype)
        for info in model.inputs
    }
    return [
        {name: column[i].reshape(1, 1) for name, column in columns.items()}
        for i in range(len(rows))
    ]


def _named(rows: Any, name: str) -> Any:
    """The column of a DataFrame that an input is called after."""
    return next(column for column in rows.columns if str(column) == name)


def _wanted(estimator: Any, rows: Any, label: str) -> list[tuple[str, Any]]:
    """What the estimator says, in the order of the model's outputs."""
    names = ["predict", "predict_proba"] if hasattr(estimator, "predict") else ["transform"]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows = rows.astype(np.float32) if getattr(rows, "dtype", None) == np.float64 else rows
            there = [name for name in names if hasattr(estimator, name)]
            made = [(name, getattr(estimator, name)(rows)) for name in there]
    except Exception as error:
        # an estimator of anybody's
        reason = str(error).partition("\n")[0]
        raise UsageError(f"{label} does not run on X: {reason:.300}") from error
    dense = [(name, v.toarray() if hasattr(v, "toarray") else v) for name, v in made]
    return [(name, np.asarray(values)) for name, values in dense]


def _numbered(classes: Any, labels: Array) -> Array:
    """Labels as the model gives them: those with names by their place among the classes."""
    if labels.dtype.kind in "iufb":
        return labels
    return np.searchsorted(np.asarray(classes).astype(str), labels.astype(str))


def _agree_on_labels(found: Array, expected: Array, scores: Any, label: str) -> None:
    """Labels are equal, but where two classes have the same score.

    Raises:
        UnsupportedError: they are not.
    """
    differ = found != expected
    if scores is not None:
        best = np.sort(np.asarray(scores), axis=-1)
        differ &= best[:, -1] - best[:, -2] > TOLERANCE
    if differ.any():
        raise UnsupportedError(
            f"predict of {label} differs between ONNX and sklearn in {int(differ.sum())} of "
            f"{len(differ)} rows."
        )
