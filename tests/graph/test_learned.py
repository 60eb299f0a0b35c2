"""A key shows no learned number: what may be one is a weight, even if there is only one of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from tests.graph.single import check, grid, model, node
from tests.needs import skip_without
from verifai.circuit import Visibility
from verifai.circuit.lower import lower
from verifai.graph import build
from verifai.graph.integer import Linear, Weight
from verifai.graph.lower import Options
from verifai.proof.codec import canonical_json
from verifai.verifier.native.parse import parse_table
from verifai.verifier.native.registration import weight_bits

skip_without("onnxruntime", "torch")


X = {"x": (1, 2, 4)}


def one(op: str, *inputs: str, shape: tuple[int, ...] = ()) -> Callable[[float], Any]:
    """A model of one operator with one learned number p."""
    return lambda p: model(
        [node(op, inputs or ("x", "p"))], X, {"p": np.full(shape, p, dtype=np.float32)}
    )


def several(*nodes: tuple[str, tuple[str, ...], str], **constants: Any) -> Callable[[float], Any]:
    """A model of several operators; p is learned, other constants are as given."""

    def made(p: float) -> Any:
        given = {name: np.asarray(v, dtype=np.float32) for name, v in constants.items()}
        given["p"] = np.array(p, dtype=np.float32)
        kinds = {"Concat": {"axis": -1}}
        listed = [node(op, names, [out], **kinds.get(op, {})) for op, names, out in nodes]
        used = {name: v for name, v in given.items() if any(name in n.input for n in listed)}
        return model(listed, X, used)

    return made


def normalised(p: float) -> Any:
    statistics = {"b": [0.0], "m": [0.25], "v": [1.0]}
    constants = {name: np.array(v, dtype=np.float32) for name, v in statistics.items()}
    constants["p"] = np.array([p], dtype=np.float32)
    made = node("BatchNormalization", ["x", "p", "b", "m", "v"])
    return model([made], {"x": (2, 1, 4)}, constants)


def convolved(p: float) -> Any:
    constants = {"p": np.full((1, 1, 1), p, np.float32), "b": np.array([p], np.float32)}
    return model([node("Conv", ["x", "p", "b"])], {"x": (2, 1, 4)}, constants)


def multiplied(p: float) -> Any:
    constants = {"p": np.full((1, 1), p, np.float32), "b": np.array([p], np.float32)}
    return model([node("Gemm", ["x", "p", "b"], alpha=0.5)], {"x": (3, 1)}, constants)


MODELS: dict[str, Callable[[float], Any]] = {
    "Mul": one("Mul"),
    "Mul of three axes": one("Mul", shape=(1, 1, 1)),
    "Mul of more axes": one("Mul", shape=(1, 1, 1, 1)),
    "Div": one("Div"),
    "Add": one("Add"),
    "Sub": one("Sub", "p", "x"),
    "PRelu": one("PRelu", shape=(1,)),
    "Max": one("Max"),
    "BatchNormalization": normalised,
    "Conv": convolved,
    "Gemm": multiplied,
    # a number of its own inside the graph: folding must not make a literal of it
    "folded": several(("Neg", ("p",), "q"), ("Exp", ("q",), "r"), ("Mul", ("x", "r"), "y")),
    "dividend": several(
        ("Relu", ("x",), "z"), ("Add", ("z", "one"), "e"), ("Div", ("p", "e"), "y"), one=np.ones(())
    ),
    # a sum that fits 16 bits is an output as it is, with its bounds
    "offset": several(("Relu", ("x",), "z"), ("Neg", ("p",), "n"), ("Add", ("z", "n"), "y")),
    "compared": several(
        ("Greater", ("x", "p"), "c"), ("Where", ("c", "x", "zero"), "y"), zero=np.zeros(())
    ),
    "joined": several(("Add", ("x", "zero"), "z"), ("Max", ("z", "p"), "y"), zero=np.zeros(4)),
}


def table_of(
    made: Any, sample: np.ndarray, options: Options | None = None
) -> tuple[dict[str, Any], list[list[int]]]:
    lowered = lower(build(made, [(sample,)], options), Visibility())
    return json.loads(lowered.table), [w.reshape(-1).tolist() for w in lowered.weights]


@pytest.mark.parametrize("name", MODELS)
def test_a_key_is_the_same_for_another_number(name: str) -> None:
    """0.2731 and 0.2803 have one power of two, and all scales are the same."""
    made = MODELS[name]
    shape = tuple(d.dim_value for d in graph_of(made(1.0)).input[0].type.tensor_type.shape.dim)
    sample = np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    mine, weights = table_of(made(0.2731), sample)
    other, others = table_of(made(0.2803), sample)
    assert mine == other
    assert weights != others


#: Numbers that a simplifier, or a bound, may treat in a way of their own, and plain ones beside
#: them: of each pair the power of two is the same.
SPECIAL = {1.0: 1.2, -1.0: 1.0, 0.5: -0.6}


@pytest.mark.parametrize("special", SPECIAL)
@pytest.mark.parametrize("name", MODELS)
def test_a_key_is_the_same_for_a_special_number(
    name: str, special: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A factor of one, a sign. Activations have ranges of their own, here equal."""
    if name in ("dividend", "folded"):
        return  # what is computed from the number has another power of two
    made = MODELS[name]
    shape = tuple(d.dim_value for d in graph_of(made(0.7)).input[0].type.tensor_type.shape.dim)
    sample = np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    with_ranges_of(made(0.7), sample, monkeypatch)
    # of a divisor the reciprocal is the weight
    plain = 1 / SPECIAL[special] if name == "Div" else SPECIAL[special]
    special = 1 / special if name == "Div" else special
    for saturate in (False, True):  # which shows the bounds of accumulators
        options = Options(saturate=saturate)
        mine, other = (table_of(made(p), sample, options)[0] for p in (special, plain))
        assert mine == other


def with_ranges_of(made: Any, sample: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """All models from here on have the calibrated ranges of this one."""
    module = import_module("verifai.graph.build")
    found = module.calibrated(module.simplified(made, (sample,))[0], made, [(sample,)])
    monkeypatch.setattr(module, "calibrated", lambda *_: found)


def test_layers_of_equal_weights_are_not_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(first: float) -> Any:
        nodes = [
            node("MatMul", ["x", "p"], ["a"]),
            node("MatMul", ["x", "q"], ["b"]),
            node("Sub", ["a", "b"]),
        ]
        weights = {"p": np.full((4, 2), first, np.float32), "q": np.full((4, 2), 0.7, np.float32)}
        return model(nodes, X, weights)

    sample = np.linspace(-1, 1, 8, dtype=np.float32).reshape(1, 2, 4)
    with_ranges_of(made(0.6), sample, monkeypatch)
    assert table_of(made(0.7), sample)[0] == table_of(made(0.6), sample)[0]


def test_learned_bounds_of_min_and_max_stay_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Clip's bounds are in the key; a simplifier must not make one of these."""

    def made(p: float) -> Any:
        nodes = [node("Max", ["x", "p"], ["z"]), node("Min", ["z", "q"])]
        return model(nodes, X, {"p": np.float32(p), "q": np.float32(p + 1)})

    sample = np.linspace(-3, 3, 8, dtype=np.float32).reshape(1, 2, 4)
    with_ranges_of(made(0.6), sample, monkeypatch)
    assert table_of(made(0.6), sample)[0] == table_of(made(0.65), sample)[0]


def graph_of(made: Any) -> Any:
    import onnx

    return onnx.load_from_string(made.onnx).graph


@pytest.mark.parametrize("name", MODELS)
def test_the_values_are_right(name: str) -> None:
    rng = np.random.default_rng(5)
    made = MODELS[name](0.2731)
    shape = tuple(d.dim_value for d in graph_of(made).input[0].type.tensor_type.shape.dim)
    check(made, [(grid(rng, shape),) for _ in range(3)])


@pytest.mark.parametrize("name", ["Mul", "PRelu", "Div", "BatchNormalization", "dividend"])
def test_registration_ranges_the_factor(name: str) -> None:
    made = MODELS[name](0.2731)
    shape = tuple(d.dim_value for d in graph_of(made).input[0].type.tensor_type.shape.dim)
    table, _ = table_of(made, np.ones(shape, np.float32))
    bits = weight_bits(parse_table(canonical_json(table)))
    assert 16 in bits.values()
    assert len(bits) == sum(n["kind"] == "weight" for n in table["nodes"])


@pytest.mark.parametrize("op", ["Mul", "Div"])
def test_a_literal_of_the_graph_stays_a_coefficient(op: str) -> None:
    from onnx import numpy_helper

    half = numpy_helper.from_array(np.array(0.375, dtype=np.float32))
    nodes = [node("Constant", (), ["h"], value=half), node(op, ["x", "h"])]
    graph = check(model(nodes, X), [(grid(np.random.default_rng(1), X["x"]),)])
    assert not any(isinstance(n.operation, Weight) for n in graph.nodes)
    if op == "Mul":
        terms = [n.operation.terms for n in graph.nodes if isinstance(n.operation, Linear)]
        assert ((3, graph.inputs[0]),) in terms


def test_a_parameter_that_equals_a_literal_is_none() -> None:
    """However the simplifier merges equal constants."""
    from onnx import numpy_helper

    half = numpy_helper.from_array(np.array(0.375, dtype=np.float32))
    nodes = [
        node("Constant", (), ["h"], value=half),
        node("Mul", ["x", "h"], ["z"]),
        node("Mul", ["z", "p"]),
    ]
    made = model(nodes, X, {"p": np.array(0.375, dtype=np.float32)})
    graph = build(made, [(grid(np.random.default_rng(1), X["x"]),)])
    assert any(isinstance(n.operation, Weight) for n in graph.nodes)


def test_one_slope_of_a_private_model() -> None:
    """A PReLU with one slope, exported and compiled as by a user."""
    import torch

    import verifai

    torch.manual_seed(0)
    batch = torch.rand(8, 1, 4)
    tables = []
    for slope in (0.2731, 0.2803):
        module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.PReLU(init=slope))
        with torch.no_grad():
            module[0].weight.copy_(torch.linspace(-1, 1, 12).reshape(3, 4))
        exported = verifai.export(module, (batch[0],))
        graph = build(exported, [(row.numpy(),) for row in batch])
        tables.append(lower(graph, Visibility()).table)
        assert b"8949" not in tables[-1]
    assert tables[0] == tables[1]
