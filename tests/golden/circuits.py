"""Six canonical circuits. Nothing in their keys and proofs is random: weights that are published
need no blinding, proofs that do not hide need no masks. So the same circuit gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import verifai


@dataclass(frozen=True)
class Golden:
    """How one key and one proof are made.

    Attributes:
        layers: the model's nodes.
        shape: of its input ``x``; its output is ``y``.
        weights: shapes by name.
        log_columns: of the layout, so that a better choice by default changes nothing here.
        batch: inferences in one proof; 0 proves one, without the axis.
    """

    layers: Callable[[], list[Any]]
    shape: tuple[int, ...]
    weights: dict[str, tuple[int, ...]]
    log_columns: int
    batch: int = 0
    visibility: dict[str, str] = field(default_factory=dict)
    context: dict[str, str | int] | None = None
    activation_bits: int = 16

    def model(self) -> verifai.Model:
        import onnx
        from onnx import helper, numpy_helper

        rng = np.random.default_rng(0)
        arrays = []
        for name, shape in self.weights.items():
            bound = 1.5 / np.sqrt(np.prod(shape[1:]))
            values = rng.uniform(-bound, bound, shape).astype(np.float32)
            arrays.append(numpy_helper.from_array(values, name))
        info = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.layers(),
            "golden",
            [info("x", onnx.TensorProto.FLOAT, self.shape)],
            [info("y", onnx.TensorProto.FLOAT, None)],
            arrays,
        )
        opset = [helper.make_opsetid("", 18)]
        made = helper.make_model(graph, opset_imports=opset, ir_version=9)
        made = onnx.shape_inference.infer_shapes(made, strict_mode=True, data_prop=True)
        return verifai.Model.from_bytes(made.SerializeToString())

    def inputs(self) -> np.ndarray:
        """Sixteen inputs for calibration; the first are proved."""
        return np.random.default_rng(1).uniform(-1, 1, (16, *self.shape)).astype(np.float32)

    def keys(self) -> tuple[verifai.ProvingKey, verifai.VerifyingKey]:
        circuit = verifai.compile(
            self.model(),
            self.inputs(),
            visibility=verifai.Visibility(weights="public", **self.visibility),
            options=verifai.NativeOptions(
                zero_knowledge=False,
                log_columns=self.log_columns,
                activation_bits=self.activation_bits,
                tolerance=0.2,
            ),
        )
        return verifai.setup(circuit)

    def proof(self, key: verifai.ProvingKey) -> verifai.Proof:
        inputs = self.inputs()[: self.batch] if self.batch else self.inputs()[0]
        return verifai.prove(key, inputs, batch=bool(self.batch), context=self.context)


def _node(operator: str, inputs: str, output: str, **attributes: Any) -> Any:
    from onnx import helper

    return helper.make_node(operator, inputs.split(), [output], name=output, **attributes)


def _dense() -> list[Any]:
    return [_node("MatMul", "x a", "h"), _node("Relu", "h", "r"), _node("MatMul", "r b", "y")]


def _functions() -> list[Any]:
    return [
        _node("MatMul", "x a", "h"),
        _node("Sigmoid", "h", "s"),
        _node("Tanh", "h", "t"),
        _node("Mul", "s t", "m"),
        _node("MatMul", "m b", "y"),
    ]


def _attention() -> list[Any]:
    return [
        _node("MatMul", "x q", "queries"),
        _node("MatMul", "x k", "keys"),
        _node("MatMul", "x v", "values"),
        _node("Transpose", "keys", "turned", perm=[1, 0]),
        _node("MatMul", "queries turned", "scores"),
        _node("Softmax", "scores", "shares", axis=-1),
        _node("MatMul", "shares values", "mixed"),
        _node("Add", "mixed x", "y"),
    ]


def _lenet() -> list[Any]:
    return [
        _node("Conv", "x c1", "h1", pads=[2, 2, 2, 2]),
        _node("Relu", "h1", "r1"),
        _node("MaxPool", "r1", "p1", kernel_shape=[2, 2], strides=[2, 2]),
        _node("Conv", "p1 c2", "h2"),
        _node("Relu", "h2", "r2"),
        _node("MaxPool", "r2", "p2", kernel_shape=[2, 2], strides=[2, 2]),
        _node("Flatten", "p2", "f"),
        _node("Gemm", "f d1", "h3", transB=1),
        _node("Relu", "h3", "r3"),
        _node("Gemm", "r3 d2", "h4", transB=1),
        _node("Relu", "h4", "r4"),
        _node("Gemm", "r4 d3", "y", transB=1),
    ]


_SQUARE = {"a": (16, 16), "b": (16, 16)}
_LENET = {
    "c1": (6, 1, 5, 5),
    "c2": (16, 6, 5, 5),
    "d1": (120, 400),
    "d2": (84, 120),
    "d3": (10, 84),
}

CIRCUITS = {
    "dense": Golden(_dense, (1, 16), _SQUARE, 6),
    "private-bound-batch": Golden(
        _dense,
        (1, 16),
        _SQUARE,
        7,
        batch=3,
        visibility={"input": "private"},
        context={"job": "golden", "chain": 1},
    ),
    "functions": Golden(_functions, (1, 16), _SQUARE, 8),
    "attention": Golden(
        _attention,
        (4, 8),
        {"q": (8, 8), "k": (8, 8), "v": (8, 8)},
        9,
        batch=1,
        activation_bits=12,
    ),
    "lenet": Golden(_lenet, (1, 1, 28, 28), _LENET, 12),
    "lenet-batch": Golden(_lenet, (1, 1, 28, 28), _LENET, 13, batch=4),
}
