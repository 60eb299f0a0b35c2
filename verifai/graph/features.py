"""Columns of a tensor that trees compare with numbers, found where they are exact.

A pipeline joins columns and scales them before its trees read them. Joined, they would have one
scale; scaled, they would be rounded. But a comparison with ``(x - offset) * factor`` is one of x
with another number, so it is made with the column as it came in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from verifai.graph.builder import Tensor
from verifai.graph.lower import Lowering, is_whole
from verifai.model import Model, OnnxNode

#: Operators that leave the last axis as it is, and every value too.
_SAME: Final = frozenset({"Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten"})


@dataclass(frozen=True)
class Feature:
    """``(x - offset) * factor`` for one column x of a tensor.

    Attributes:
        source: of shape (..., columns).
        column: of its last axis.
        exact: whether the source holds the very values that the model reads, as integers do, and
            inputs in units that calibration data are multiples of.
        offset, factor: the factor is positive.
    """

    source: Tensor
    column: int
    exact: bool
    offset: float = 0.0
    factor: float = 1.0

    def threshold(self, value: float, *, strict: bool) -> int:
        """The integer t such that the feature is at most ``value`` where ``x <= t``; less than it,
        if ``strict``.

        A source that is rounded is compared with the number rounded alike: equal stays equal.
        """
        real = value / self.factor + self.offset
        if self.source.scale == 0 and self.exact:
            return _largest(real, strict=strict)
        real *= 2.0**self.source.scale
        if self.exact:
            return math.ceil(real) - 1 if strict else math.floor(real)
        return math.floor(real + 0.5) - strict


def _largest(value: float, *, strict: bool) -> int:
    """The largest integer that is at most ``value``, or less, when it is made a float32."""
    bound = np.float32(value)
    if float(bound) > value:
        bound = np.nextafter(bound, np.float32(-np.inf))
        strict = False
    if strict and float(bound) == value:
        bound = np.nextafter(bound, np.float32(-np.inf))
    if abs(float(bound)) < 1 << 24:
        return math.floor(bound)
    above = np.nextafter(bound, np.float32(np.inf))
    middle = (float(bound) + float(above)) / 2
    even = not int(bound.view(np.uint32)) & 1  # ties go to the even one
    return math.floor(middle) if even else math.ceil(middle) - 1


def features_of(low: Lowering, name: str) -> list[Feature]:
    """The columns of a tensor of shape [1, columns] or [columns]."""
    node = low.producers.get(name)
    if node is not None and name not in low.folded:
        first = node.inputs[0] if node.inputs else ""
        rows = low.shapes.get(name, ())[:-1]
        if node.op_type == "Concat" and _is_last(low, name, int(node.attributes["axis"])):
            return [feature for part in node.inputs for feature in features_of(low, part)]
        if node.op_type in _SAME and _same(low, first, name):
            return features_of(low, first)
        if node.op_type in ("Add", "Sub", "Mul", "Div") and math.prod(rows) == 1:
            moved = _moved(low, name)
            if moved is not None:
                return moved
    tensor = low.tensor(name)
    exact = name in low.exact_inputs or is_whole(low.kind(name))
    if tensor.open:
        tensor = low.settled(tensor, name)
    return [Feature(tensor, column, exact) for column in range(tensor.shape[-1])]


def _is_last(low: Lowering, name: str, axis: int) -> bool:
    rank = len(low.shapes.get(name, ()))
    return rank > 0 and axis % rank == rank - 1


def _same(low: Lowering, first: str, name: str) -> bool:
    """Whether a node from ``first`` to ``name`` keeps the columns, and no float becomes whole."""
    before, after = low.shapes.get(first, ()), low.shapes.get(name, ())
    rounds = is_whole(low.kind(name)) and not is_whole(low.kind(first))
    narrow = low.kind(name).itemsize < low.kind(first).itemsize and not is_whole(low.kind(first))
    return bool(before and after) and before[-1] == after[-1] and not (rounds or narrow)


def _moved(low: Lowering, name: str) -> list[Feature] | None:
    """Features before the addition or multiplication of constants; None where there are none."""
    node = low.producers[name]
    constants = [low.constant(node, position) for position in (0, 1)]
    if (constants[0] is None) == (constants[1] is None):
        return None
    at = 0 if constants[1] is not None else 1
    features = features_of(low, node.inputs[at])
    given = np.asarray(constants[1 - at], dtype=np.float64).reshape(-1)
    if given.size not in (1, len(features)) or (at == 1 and node.op_type in ("Sub", "Div")):
        return None
    values = np.broadcast_to(given, len(features)).tolist()
    if node.op_type in ("Mul", "Div") and not all(v > 0 and math.isfinite(v) for v in values):
        return None
    result = []
    for feature, value in zip(features, values, strict=True):
        # (x - offset) * factor + v = (x - (offset - v / factor)) * factor
        if node.op_type in ("Add", "Sub"):
            step = value if node.op_type == "Add" else -value
            result.append(replace(feature, offset=feature.offset - step / feature.factor))
        else:
            factor = value if node.op_type == "Mul" else 1 / value
            result.append(replace(feature, factor=feature.factor * factor))
    return result


#: Operators of ``ai.onnx.ml`` that read columns by themselves.
_COLUMN_READERS: Final = """
    ArrayFeatureExtractor Binarizer FeatureVectorizer LinearClassifier LinearRegressor Scaler
    TreeEnsemble TreeEnsembleClassifier TreeEnsembleRegressor
"""
_COLUMNS: Final = frozenset(_COLUMN_READERS.split())
#: And others that a fine input may go through, or end in.
_THROUGH: Final = _SAME | {"Add", "Concat", "Div", "Gather", "Mul", "Slice", "Split", "Sub"}
_PRODUCTS: Final = frozenset({"Gemm", "MatMul"})


def fine_inputs(
    model: Model, calibration: Sequence[tuple[npt.NDArray[Any], ...]]
) -> dict[str, int]:
    """Float inputs whose columns a tabular model reads, and nothing else, each with the scale at
    which all its calibration data are integers.
    """
    nodes = model.nodes()
    readers: dict[str, list[OnnxNode]] = {}
    for node in nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)

    def kinds(name: str) -> set[str]:
        found = set()
        for node in readers.get(name, []):
            if node.op_type in _THROUGH:
                found |= {kind for made in node.outputs for kind in kinds(made)}
            else:
                found.add(node.op_type)
        return found

    fine = {}
    for position, info in enumerate(model.inputs):
        found = kinds(info.name) if np.dtype(info.dtype).kind == "f" else set()
        if found & _COLUMNS and found <= _COLUMNS | _PRODUCTS:
            fine[info.name] = max(_grid(sample[position]) for sample in calibration)
    return fine


def _grid(values: npt.NDArray[Any]) -> int:
    """The smallest scale at which all values are integers; negative if they are even ones."""
    mantissas, exponents = np.frexp(values[values != 0].astype(np.float64))
    whole = (mantissas * 2.0**53).astype(np.int64)
    zeros = np.log2((whole & -whole).astype(np.float64))
    return int((53 - zeros - exponents).max(initial=0))
