"""Functions that are level far out: exponentials, sigmoids, gates; and values that vanish."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.graph.single import check, model, node
from tests.needs import skip_without
from verifai.circuit.lower import lower
from verifai.circuit.satisfied import unsatisfied
from verifai.circuit.visibility import Visibility
from verifai.circuit.witness import witness
from verifai.graph import build, dequantise, quantise_inputs, run
from verifai.model import Model

skip_without("onnx", "onnxruntime", "onnxscript", "torch")


def samples(low: float, high: float, *shape: int, count: int = 8, seed: int = 0) -> list[Any]:
    """Inputs that reach both ends."""
    rng = np.random.default_rng(seed)
    found = [rng.uniform(low, high, shape).astype(np.float32) for _ in range(count)]
    for x in found:
        x.flat[:2] = low, high
    return [(x,) for x in found]


def operators(made: Model, x: Any) -> list[str]:
    from verifai.graph.build import simplified

    return [one.op_type for one in simplified(made, x)[0].graph.node]


@pytest.mark.parametrize("a", [1.0, 2.5])
@pytest.mark.parametrize("where", ["stated", "learned", "learned, of one element"])
@pytest.mark.parametrize("quotient", ["Reciprocal", "Div"])
def test_written_out_sigmoids_go_as_far_as_sigmoids(quotient: str, where: str, a: float) -> None:
    nodes = [node("Exp", ["x"], ["power"]), node("Add", ["a", "power"], ["total"])]
    constants = {"a": np.full([1] if "element" in where else [], a, np.float32)}
    if where == "stated":
        nodes.insert(0, node("Constant", [], ["a"], value_float=a))
        constants = {}
    if quotient == "Div":
        nodes += [
            node("Constant", [], ["one"], value_float=1.0, name="one"),
            node("Div", ["one", "total"]),
        ]
    else:
        nodes.append(node("Reciprocal", ["total"]))
    made = model(nodes, {"x": (4, 5)}, constants)
    check(made, samples(-40, 60, 4, 5))
    assert "Exp" not in operators(made, samples(-1, 1, 4, 5)[0])


@pytest.mark.parametrize("a", [-2.0, 0.0])
def test_other_quotients_stay(a: float) -> None:
    nodes = [
        node("Exp", ["x"], ["power"]),
        node("Add", ["power", "a"], ["total"]),
        node("Reciprocal", ["total"]),
    ]
    made = model(nodes, {"x": (2, 5)}, {"a": np.float32(a)})
    check(made, samples(1, 3, 2, 5))
    assert "Sigmoid" not in operators(made, samples(1, 3, 2, 5)[0])


@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("axes", [[1], [-1, 0], None])
def test_sums_of_powers_that_are_all_small_have_a_logarithm(
    axes: list[int] | None, keepdims: int
) -> None:
    names = ["x"] if axes is None else ["x", "axes"]
    constants = {} if axes is None else {"axes": np.array(axes)}
    nodes = [node("ReduceLogSumExp", names, keepdims=keepdims)]
    rng = np.random.default_rng(0)
    rows = [rng.uniform(-1, 1, (2, 3, 4)) - rng.uniform(0, 100, (2, 1, 1)) for _ in range(8)]
    check(model(nodes, {"x": (2, 3, 4)}, constants), [(x.astype(np.float32),) for x in rows])


def likelihoods(far: float) -> Model:
    """Squared distances from four points, and the share of each point's likelihood."""
    points = np.array([[[0.0, 0.0], [1.0, 2.0], [2.0, 1.0], [3.0, 3.0]]], np.float32)
    nodes = [
        node("Sub", ["x", "points"], ["apart"]),
        node("Pow", ["apart", "two"], ["squares"]),
        node("Div", ["squares", "variances"], ["ratios"]),
        node("ReduceSum", ["ratios", "last"], ["sums"], keepdims=0),
        node("Mul", ["sums", "half"], ["distances"]),
        node("ReduceLogSumExp", ["distances", "axis"], ["all"], keepdims=1),
        node("Sub", ["distances", "all"], ["shares"]),
        node("Exp", ["shares"]),
    ]
    constants = {
        "points": points,
        "two": np.float32(2),
        "variances": np.full((1, 4, 2), 18 / far, np.float32),
        "half": np.float32(-0.5),
        "last": np.array([2]),
        "axis": np.array([1]),
    }
    return model(nodes, {"x": (3, 1, 2)}, constants)


@pytest.mark.parametrize("far", [10.0, 600.0])
def test_shares_of_likelihoods_are_as_fine_however_far_the_others_are(far: float) -> None:
    """Distances up to ``far``: 16 bits would hold 600 in steps of 1/32."""
    made = likelihoods(far)
    graph = build(made, samples(0, 3, 3, 1, 2, count=32))
    fresh = samples(0, 3, 3, 1, 2, count=200, seed=1)
    integers = quantise_inputs(graph, [np.stack([x for (x,) in fresh])])
    values = run(graph, integers, batch=True)
    found = dequantise(graph, graph.outputs[0], values[graph.outputs[0]])
    # of the model on the inputs that fixed point holds: a rounded input is no fault of the rest
    inputs = dequantise(graph, graph.inputs[0], integers[0]).astype(np.float32)
    wanted = np.stack([made.run(x)[0] for x in inputs])
    assert np.abs(found - wanted).max() < 2e-3
    lowered = lower(graph, Visibility())
    committed = witness(lowered, values, len(fresh))
    assert unsatisfied(lowered.operations, lowered.weights, committed, len(fresh)) == []


def test_what_is_cut_off_has_the_result_zero() -> None:
    """Every x of a wide range: the integers are those of the function, below the cut too."""
    made = model(
        [node("MatMul", ["x", "w"], ["far"]), node("Exp", ["far"])],
        {"x": (512, 1)},
        {"w": np.float32([[600.0]])},
    )
    x = np.linspace(-1, 0, 512, dtype=np.float32)[:, None]
    graph = build(made, [(x,)])
    beyond = np.linspace(-1.7, 0, 512, dtype=np.float32)[:, None]  # within the head-room
    integers = quantise_inputs(graph, [np.concatenate([x, beyond]).reshape(2, 512, 1)])
    at = graph.outputs[0]
    found = run(graph, integers, batch=True)[at]
    real = dequantise(graph, graph.inputs[0], integers[0]) * 600
    unit = 2.0 ** -graph.nodes[at].scale
    np.testing.assert_allclose(found * unit, np.exp(real), rtol=0, atol=4 * unit)
    assert np.all(found[real < -30] == 0)


@pytest.mark.parametrize("operator", ["Sigmoid", "Tanh"])
def test_gates_are_as_fine_however_wide_open_others_are(operator: str) -> None:
    """Sums up to 20,000, of which 16 bits would hold whole numbers only: each x of a sweep."""
    made = model(
        [node("MatMul", ["x", "w"], ["far"]), node("Slice", ["far", "a", "b", "c"], ["gate"]),
         node(operator, ["gate"])],
        {"x": (64, 2)},
        {"w": np.float32([[20_000.0, 1.0], [1.0, 3.0]]), "a": np.array([0]), "b": np.array([1]),
         "c": np.array([1])},
    )  # fmt: skip
    wide = np.linspace(-1, 1, 64, dtype=np.float32)
    near = np.linspace(-1e-3, 1e-3, 64).astype(np.float32)  # -20 to 20
    inputs = [np.stack([x, np.zeros_like(x)], axis=1) for x in (wide, near, near / 4)]
    graph = build(made, [(x,) for x in inputs])
    integers = quantise_inputs(graph, [np.stack(inputs)])
    values = run(graph, integers, batch=True)
    at = graph.outputs[0]
    # of the inputs as they are held
    real = dequantise(graph, graph.inputs[0], integers[0])[..., :1] * 20_000
    wanted = np.tanh(real) if operator == "Tanh" else 1 / (1 + np.exp(-real))
    assert np.abs(dequantise(graph, at, values[at]) - wanted).max() < 3e-3
    lowered = lower(graph, Visibility())
    committed = witness(lowered, values, len(inputs))
    assert unsatisfied(lowered.operations, lowered.weights, committed, len(inputs)) == []


@pytest.mark.parametrize("depth", [2, 4])
def test_values_that_vanish_keep_their_bits(depth: int) -> None:
    """As those of deep networks that nobody trained."""
    rng = np.random.default_rng(0)
    constants = {
        f"w{i}": rng.normal(size=(6, 6)).astype(np.float32) * np.float32(1e-3) for i in range(depth)
    }
    names = ["x", *(f"h{i}" for i in range(depth - 1)), "y"]
    nodes = [node("MatMul", [names[i], f"w{i}"], [names[i + 1]]) for i in range(depth)]
    made = model(nodes, {"x": (2, 6)}, constants)
    graph = check(made, samples(-1, 1, 2, 6))
    x = samples(-1, 1, 2, 6)[0][0]
    wanted = made.run(x)[0]
    values = run(graph, quantise_inputs(graph, [x[None]]), batch=True)
    found = dequantise(graph, graph.outputs[0], values[graph.outputs[0]])[0]
    assert np.abs(found - wanted).max() < 1e-3 * np.abs(wanted).max()


def test_values_that_vanish_are_added_to_others() -> None:
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(6, 6)).astype(np.float32) * np.float32(1e-7)
    nodes = [
        node("MatMul", ["x", "w"], ["a"]),
        node("MatMul", ["a", "w"], ["b"]),
        node("Relu", ["b"], ["c"]),
        node("Add", ["c", "one"], ["d"]),
        node("MatMul", ["d", "v"]),
    ]
    constants = {"w": weights, "one": np.float32(1), "v": np.eye(6, dtype=np.float32)}
    check(model(nodes, {"x": (2, 6)}, constants), samples(-1, 1, 2, 6))
