"""LSTM, GRU and RNN: all attributes against onnxruntime, exporters, sharing, lies, refusals."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

import verifai
from tests.graph.single import check, model, node
from tests.needs import skip_without
from verifai.circuit.lower import lower
from verifai.circuit.satisfied import unsatisfied
from verifai.circuit.visibility import Visibility
from verifai.circuit.witness import witness
from verifai.errors import UnsupportedError
from verifai.graph import IntegerGraph, build, quantise_inputs, run
from verifai.graph.integer import Lookup, Requantise, Weight
from verifai.graph.recurrent import MAX_STEPS
from verifai.model import Model, load

skip_without("onnx", "onnxruntime", "torch")

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
#: (operator, attributes, inputs beyond X, W and R), of which onnxruntime runs all.
CASES: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("LSTM", {}, ""),
    ("LSTM", {"direction": "bidirectional"}, "B h c"),
    ("LSTM", {"direction": "reverse"}, "B P lengths"),
    ("LSTM", {"direction": "bidirectional", "clip": 0.6}, "B lengths h"),
    ("LSTM", {"input_forget": 1}, "B c"),
    ("LSTM", {"activations": ["HardSigmoid", "Softsign", "Relu"]}, "B P"),
    (
        "LSTM",
        {
            "direction": "bidirectional",
            "activations": ["Sigmoid", "Tanh", "Tanh", "HardSigmoid", "ScaledTanh", "Affine"],
            "activation_alpha": [0.3, 0.9, 0.8],
            "activation_beta": [0.4, 0.7, 0.1],
        },
        "B h",
    ),
    ("GRU", {}, "B"),
    ("GRU", {"direction": "bidirectional", "linear_before_reset": 1}, "B h lengths"),
    ("GRU", {"direction": "reverse", "linear_before_reset": 1, "clip": 0.7}, "h"),
    ("GRU", {"activations": ["Sigmoid", "LeakyRelu"], "activation_alpha": [0.2]}, "lengths"),
    ("RNN", {"direction": "bidirectional", "activations": ["Relu", "Softplus"]}, "B lengths"),
    ("RNN", {"direction": "reverse", "activations": ["Elu"], "clip": 0.9}, "B h"),
)


def recurrent(
    operator: str,
    attributes: dict[str, Any],
    more: str,
    rng: np.random.Generator,
    shape: tuple[int, int, int],
    hidden: int,
) -> Model:
    """One operator with random constants; x has a shape (steps, batch, inputs)."""
    steps, batch, inputs = shape
    count = 2 if attributes.get("direction") == "bidirectional" else 1
    gates = GATES[operator]
    optional = {
        "B": (3, (count, 2 * gates * hidden)),
        "h": (5, (count, batch, hidden)),
        "c": (6, (count, batch, hidden)),
        "P": (7, (count, 3 * hidden)),
    }
    names = ["x", "W", "R", *[""] * 5]
    shapes = {"W": (count, gates * hidden, inputs), "R": (count, gates * hidden, hidden)}
    for name in more.split():
        if name != "lengths":
            place, shapes[name] = optional[name]
            names[place] = name
    constants: dict[str, Any] = {
        name: rng.uniform(-0.9, 0.9, dims).astype(np.float32) for name, dims in shapes.items()
    }
    if "lengths" in more:
        names[4] = "lengths"
        constants["lengths"] = rng.integers(1, steps + 1, batch).astype(np.int32)
    outputs = ["y", "y_h", "y_c"][: 3 if operator == "LSTM" else 2]
    names = names[: 8 if operator == "LSTM" else 6]
    made = node(operator, names, outputs, hidden_size=hidden, **attributes)
    return model([made], {"x": shape}, constants, outputs)


def samples(rng: np.random.Generator, shape: tuple[int, ...], count: int = 3) -> list[Any]:
    return [(rng.uniform(-1, 1, shape).astype(np.float32),) for _ in range(count)]


def committed(graph: IntegerGraph, sample: tuple[np.ndarray, ...]) -> tuple[Any, list[np.ndarray]]:
    """The circuit, and its honest witness."""
    integers = quantise_inputs(graph, [array[np.newaxis] for array in sample])
    lowered = lower(graph, Visibility())
    return lowered, witness(lowered, run(graph, integers, batch=True), 1)


@pytest.mark.parametrize("number", range(len(CASES)))
def test_random_shapes(number: int) -> None:
    """onnxruntime, both integer runs and the circuit, one by one and as a batch."""
    operator, attributes, more = CASES[number]
    rng = np.random.default_rng(number)
    shape = (int(rng.integers(2, 5)), int(rng.integers(1, 4)), int(rng.integers(1, 5)))
    made = recurrent(operator, attributes, more, rng, shape, int(rng.integers(1, 5)))
    inputs = samples(rng, shape)
    graph = check(made, inputs)
    lowered, tensors = committed(graph, inputs[0])
    assert unsatisfied(lowered.operations, lowered.weights, tensors, 1) == []


@pytest.mark.parametrize("dynamo", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
@pytest.mark.filterwarnings("ignore")
def test_exporters_of_torch(kind: str, dynamo: bool) -> None:
    import torch

    class Outputs(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            options = {"num_layers": 2, "bidirectional": True, "batch_first": True}
            self.net = getattr(torch.nn, kind)(3, 4, **options)

        def forward(self, x: Any) -> Any:
            y, state = self.net(x)
            return (y, *state) if kind == "LSTM" else (y, state)

    torch.manual_seed(0)
    net, file = Outputs().eval(), io.BytesIO()
    example = (torch.zeros(2, 3, 3),)
    if dynamo:
        made = verifai.export(net, example)
    else:
        torch.onnx.export(net, example, file, dynamo=False)
        made = load(file.getvalue())
    check(made, samples(np.random.default_rng(0), (2, 3, 3)))


def counts(graph: IntegerGraph, kind: type) -> int:
    return sum(isinstance(item.operation, kind) for item in graph.nodes)


@pytest.mark.parametrize("steps", [3, 6])
def test_a_step_rounds_once_per_tensor_and_shares_everything(steps: int) -> None:
    """The gates, the cell state and the state; both tables and all weights serve every step."""
    rng = np.random.default_rng(1)
    made = recurrent("LSTM", {}, "B", rng, (steps, 1, 3), 2)
    graph = build(made, samples(rng, (steps, 1, 3)))
    sizes = [len(table.outputs) for table in graph.tables]
    assert sizes == [1 << 10] * 4  # an interpolation has two
    # of an interpolation two lookups, and two requantisations beyond those of its three tensors
    assert counts(graph, Lookup) == 4 * steps
    assert counts(graph, Requantise) == (3 + 2 * 2) * steps
    assert counts(graph, Weight) == 5  # W, R, B, a cell state of zeros, what a state of zeros adds


def test_many_steps_have_exact_tables() -> None:
    rng = np.random.default_rng(2)
    made = recurrent("RNN", {}, "", rng, (130, 1, 1), 1)
    graph = build(made, samples(rng, (130, 1, 1), 2))
    assert [len(table.outputs) for table in graph.tables] == [1 << 16]
    assert counts(graph, Requantise) == 130


def test_every_committed_element_is_determined() -> None:
    """Any other value of one element breaks a constraint, also where its remainder makes up."""
    rng = np.random.default_rng(3)
    made = recurrent("LSTM", {}, "B", rng, (2, 1, 2), 2)
    inputs = samples(rng, (2, 1, 2))
    lowered, tensors = committed(build(made, inputs), inputs[0])
    table, weights = lowered.operations, lowered.weights
    assert unsatisfied(table, weights, tensors, 1) == []
    assert len(tensors) > 20
    for number in range(len(tensors)):
        if table.committed[number] in {given.node for given in table.inputs}:
            continue  # a different input is a different statement
        for change in (1, -1, 1 << 16):
            lie = [array.copy() for array in tensors]
            lie[number].reshape(-1)[-1] += change
            assert unsatisfied(table, weights, lie, 1), (number, change)


def test_proof() -> None:
    """Of a sequence in a circuit, and of the last state."""
    rng = np.random.default_rng(4)
    made = recurrent("GRU", {"direction": "bidirectional"}, "B", rng, (3, 1, 2), 2)
    inputs = samples(rng, (3, 1, 2))
    circuit = verifai.compile(made, inputs)
    key, verifying = verifai.setup(circuit)
    proof = verifai.prove(key, inputs[0][0])
    assert verifai.verify(proof, verifying) == proof.statement


def refusal(made: Model, shape: tuple[int, ...]) -> str:
    with pytest.raises(UnsupportedError) as refused:
        build(made, samples(np.random.default_rng(0), shape))
    return refused.value.message


def test_what_is_refused_says_what_to_do() -> None:
    import onnx

    rng = np.random.default_rng(5)
    constants = {
        "W": rng.normal(size=(1, 8, 3)).astype(np.float32),
        "R": rng.normal(size=(1, 8, 2)).astype(np.float32),
    }
    nodes = [
        node("ReduceMax", ["x"], ["largest"], keepdims=0),
        node("Cast", ["largest"], ["whole"], to=onnx.TensorProto.INT32),
        node("Reshape", ["whole", "one"], ["lengths"]),
        node("LSTM", ["x", "W", "R", "", "lengths"], ["y"], hidden_size=2),
    ]
    made = model(nodes, {"x": (2, 1, 3)}, constants | {"one": np.array([1])})
    one = [np.full((2, 1, 3), 1.5, np.float32)]
    with pytest.raises(UnsupportedError, match=r"LSTM.*sequence_lens is computed.*fix it in"):
        build(made, [tuple(one)])
    long = recurrent("RNN", {}, "", rng, (MAX_STEPS + 1, 1, 1), 1)
    assert f"MAX_STEPS is {MAX_STEPS}: prove the sequence in pieces" in refusal(
        long, (MAX_STEPS + 1, 1, 1)
    )
