"""Operators on scalars, vectors and matrices, computed and constant: no rank is an exception."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from tests.graph.single import check, model, node
from tests.needs import skip_without
from verifai.circuit.lower import lower
from verifai.circuit.satisfied import unsatisfied
from verifai.circuit.visibility import Visibility
from verifai.circuit.witness import witness
from verifai.graph import quantise_inputs, run
from verifai.model import Model

skip_without("onnx", "onnxruntime", "torch")

BINARY = ("Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Mean", "Pow", "PRelu")
COMPARED = ("Less", "Greater", "Equal", "LessOrEqual", "GreaterOrEqual")
LOGIC = ("And", "Or", "Xor")
SHAPES: dict[str, tuple[int, ...]] = {"scalar": (), "one": (1,), "vector": (3,), "matrix": (2, 3)}
OPERANDS = [*product(("computed", "constant"), SHAPES)]
INPUT = (2, 3)
#: All different, positive and exact in fixed point.
VALUES = np.arange(1, 7, dtype=np.float32).reshape(INPUT) / 4


def satisfied(made: Model, samples: list[tuple[np.ndarray, ...]]) -> None:
    """The graph keeps its promises, and its circuit is satisfied by what it computes."""
    graph = check(made, samples)
    inputs = quantise_inputs(graph, [np.stack(arrays) for arrays in zip(*samples, strict=True)])
    values = run(graph, inputs, batch=True)
    for visibility in (Visibility(), Visibility(input="private", output="committed")):
        lowered = lower(graph, visibility)
        committed = witness(lowered, values, len(samples))
        weights = [np.asarray(weight) for weight in lowered.weights]
        assert not unsatisfied(lowered.operations, weights, committed, len(samples))


def operand(name: str, kind: str, shape: str, nodes: list[Any], constants: dict[str, Any]) -> None:
    """Tensor ``name``: a constant, or computed of the input x."""
    wanted = SHAPES[shape]
    if kind == "constant":
        constants[name] = np.resize(np.array([0.75, 0.5, 1.25], np.float32), wanted)
    elif wanted == INPUT:
        nodes.append(node("Identity", ["x"], [name]))
    else:
        axes = {"scalar": [0, 1], "one": [0, 1], "vector": [0]}[shape]
        constants[f"{name}_axes"] = np.array(axes)
        out = name if shape != "one" else f"{name}_0"
        nodes.append(node("ReduceMax", ["x", f"{name}_axes"], [out], keepdims=0))
        if shape == "one":
            constants[f"{name}_shape"] = np.array([1])
            nodes.append(node("Reshape", [out, f"{name}_shape"], [name]))


@pytest.mark.parametrize(("left", "right"), [*product(OPERANDS, OPERANDS)], ids=str)
def test_two_operands(left: tuple[str, str], right: tuple[str, str]) -> None:
    """Every operator of two operands, as many as ONNX allows, in one model."""
    nodes: list[Any] = []
    constants: dict[str, Any] = {"zero": np.float32(0)}
    operand("a", *left, nodes, constants)
    operand("b", *right, nodes, constants)
    outputs = []
    known = left[0] == right[0] == "constant"
    for operator in (*BINARY, *COMPARED, *LOGIC):
        if operator == "Pow" and right != ("constant", "scalar"):
            continue  # exponents are one constant
        if operator == "PRelu" and (
            right[0] == "computed"
            or np.broadcast_shapes(SHAPES[left[1]], SHAPES[right[1]]) != SHAPES[left[1]]
        ):
            continue  # slopes are constant, and broadcast to the tensor
        name, inputs = operator.lower(), ["a", "b"]
        made = f"{name}_0" if operator in (*COMPARED, *LOGIC) else name
        if operator in LOGIC:
            for at, (source, bound) in enumerate((("a", 1.0), ("b", 0.6))):
                constants[f"bound_{at}"] = np.float32(bound)
                inputs[at] = f"{name}_{source}"
                nodes.append(node("Greater", [source, f"bound_{at}"], [inputs[at]]))
        nodes.append(node(operator, inputs, [made]))
        if made != name:
            nodes.append(node("Cast", [made], [name], to=1))
        if known:
            nodes.append(node("Add", [name, "x"], [f"{name}_x"]))
        outputs.append(f"{name}_x" if known else name)
    satisfied(model(nodes, {"x": INPUT}, constants, outputs), [(VALUES,), (VALUES[::-1] / 2,)])


#: Operators of one tensor of any rank, with their constant inputs and attributes.
ONE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    **{
        name: ({}, {})
        for name in ("Abs", "Clip", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSwish")
    },
    **{name: ({}, {}) for name in ("Identity", "LeakyRelu", "Neg", "Reciprocal", "Relu", "Round")},
    **{name: ({}, {}) for name in ("Sigmoid", "Sign", "Softplus", "Sqrt", "Tanh", "Transpose")},
    **{
        f"Reduce{name}": ({}, {"keepdims": 0})
        for name in ("L1", "L2", "LogSumExp", "Max", "Mean", "Min", "Sum", "SumSquare")
    },
    "Cast": ({}, {"to": 1}),
    "Expand": ({"shape": np.array([2, 1, 1])}, {}),
    "Reshape": ({"shape": np.array([1, -1])}, {}),
    "Unsqueeze": ({"axes": np.array([0])}, {}),
    "Where": ({"other": np.float32(4)}, {}),
}


@pytest.mark.parametrize("shape", [name for name in SHAPES if name != "matrix"])
def test_one_operand(shape: str) -> None:
    nodes: list[Any] = []
    constants: dict[str, Any] = {"zero": np.float32(0)}
    operand("a", "computed", shape, nodes, constants)
    for operator, (known, attributes) in ONE.items():
        names = [f"{operator}_{name}" for name in known]
        constants |= dict(zip(names, known.values(), strict=True))
        inputs = ["a", *names]
        if operator == "Where":
            nodes.append(node("Greater", ["a", "zero"], ["positive"]))
            inputs = ["positive", *inputs]
        nodes.append(node(operator, inputs, [operator.lower()], **attributes))
    outputs = [operator.lower() for operator in ONE]
    made = model(nodes, {"x": INPUT}, constants, outputs, opset=20)
    satisfied(made, [(VALUES,), (VALUES[::-1] / 2,)])
