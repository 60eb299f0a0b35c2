"""Unary operators: exact maxima, exact tables, interpolated tables."""

from __future__ import annotations

import numpy as np
import pytest

from tests.graph.single import check, grid, model, node
from tests.needs import skip_without
from verifai.errors import InputError, UnsupportedError
from verifai.graph import build, quantise_inputs, run
from verifai.graph.integer import MAX_TABLE, Lookup
from verifai.graph.operators.unary import UNARY

skip_without("onnxruntime", "torch")


#: Where a function is finite and not too steep for its output; elsewhere it is -3 to 3.
DOMAINS = {
    "Acos": (-0.9, 0.9),
    "Acosh": (1.25, 3),
    "Asin": (-0.9, 0.9),
    "Atanh": (-0.9, 0.9),
    "Log": (0.25, 3),
    "Reciprocal": (0.25, 3),
    "Sqrt": (0, 3),
    "Tan": (-1.25, 1.25),
}
OPSETS = {"Gelu": 20, "Swish": 24}
#: onnxruntime has no such kernel.
UNKNOWN = {"Swish"}


def sample(op, count=400):
    low, high = DOMAINS.get(op, (-3, 3))
    values = np.linspace(low, high, count, dtype=np.float32)
    return (np.clip(np.round(values * 64), np.ceil(low * 64), np.floor(high * 64)) / 64).astype(
        np.float32
    )


@pytest.mark.parametrize("op", sorted(set(UNARY) - UNKNOWN))
def test_every_table(op):
    made = model([node(op)], {"x": (2, 200)}, opset=OPSETS.get(op, 18))
    graph = check(made, [(sample(op).reshape(2, 200),)])
    assert any(isinstance(item.operation, Lookup) for item in graph.nodes)


@pytest.mark.parametrize("op", ["Sigmoid", "Tanh", "Erf", "Exp", "Softplus", "Elu"])
def test_smooth_functions_are_interpolated(op):
    graph = check(model([node(op)], {"x": (2, 200)}), [(sample(op).reshape(2, 200),)])
    assert len(graph.tables) == 2
    assert all(len(table.outputs) <= 1 << 12 for table in graph.tables)


@pytest.mark.parametrize("op", ["Sigmoid", "Tanh", "Exp", "Sqrt", "Log", "HardSwish"])
def test_tables_are_within_one_unit_wherever_calibration_looked(op):
    made = model([node(op)], {"x": (64,)})
    low, high = sample(op, 64)[[0, -1]]
    graph = build(made, [(sample(op, 64),)])
    item, at = graph.nodes[graph.inputs[0]], graph.outputs[0]
    first, last = (int(value * 2**item.scale) for value in (low, high))
    everything = np.arange(first, last + 1)
    batch = np.resize(everything, (-(-len(everything) // 64), 64))
    found = run(graph, [batch], batch=True)[at]
    import onnx.reference

    reals = batch.astype(np.float64) / 2.0**item.scale
    proto = onnx.load_from_string(made.onnx)
    proto.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.DOUBLE
    exact = onnx.reference.ReferenceEvaluator(proto).run(None, {"x": reals})[0]
    assert np.abs(found - exact * 2.0 ** graph.nodes[at].scale).max() <= 1


@pytest.mark.parametrize("op", ["Floor", "Sign", "Round", "Ceil"])
def test_steps_are_exact_over_the_whole_domain(op):
    made = model([node(op)], {"x": (64,)})
    graph = build(made, [(sample(op, 64),)])
    at, out = graph.nodes[graph.inputs[0]], graph.outputs[0]
    first, last = at.low, at.high
    for table in graph.tables:
        first, last = max(first, table.first), min(last, table.last)
        assert len(table.outputs) <= MAX_TABLE
    first += (last - first + 1) % 64
    whole = np.arange(first, last + 1).reshape(-1, 64)
    made = run(graph, [whole], batch=True)[out] * 2.0 ** -graph.nodes[out].scale
    exact = {"Floor": np.floor, "Sign": np.sign, "Round": np.rint, "Ceil": np.ceil}[op]
    np.testing.assert_array_equal(made, exact(whole * 2.0**-at.scale))


@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        ("Relu", {}),
        ("Abs", {}),
        ("Neg", {}),
        ("LeakyRelu", {"alpha": 0.1}),
        ("LeakyRelu", {}),
    ],
)
def test_piecewise_linear_operators_need_no_table(op, attributes):
    graph = check(model([node(op, **attributes)], {"x": (2, 200)}), [(sample(op).reshape(2, 200),)])
    assert not graph.tables


def test_prelu_and_clip():
    rng = np.random.default_rng(0)
    nodes = [node("PRelu", ["x", "s"], ["p"]), node("Clip", ["p", "l", "h"])]
    constants = {"s": grid(rng, (3, 1)), "l": np.float32(-1.5), "h": np.float32(0.75)}
    check(model(nodes, {"x": (3, 4)}, constants), [(grid(rng, (3, 4)),) for _ in range(2)])


def test_tables_are_shared():
    nodes = [node("Tanh", ["x"], ["a"]), node("Tanh", ["z"], ["b"]), node("Add", ["a", "b"])]
    made = model(nodes, {"x": (200,), "z": (200,)})
    assert len(check(made, [(sample("Tanh", 200), sample("Tanh", 200))]).tables) == 2


def test_division_keeps_its_precision_over_a_wide_range_of_divisors():
    # found to 0.1 % of the largest quotient only, if the reciprocal had 16 bits
    divisors = np.geomspace(1, 1000, 64).astype(np.float32)
    dividends = (divisors * np.linspace(0.5, 1, 64)).astype(np.float32)
    made = model([node("Div", ["a", "b"])], {"a": (64,), "b": (64,)})
    graph = build(made, [(dividends, divisors)])
    integers = quantise_inputs(graph, [dividends[None], divisors[None]])
    found = run(graph, integers, batch=True)[graph.outputs[0]][0]
    real = [
        i[0] / 2.0 ** graph.nodes[at].scale for i, at in zip(integers, graph.inputs, strict=True)
    ]
    found = found / 2.0 ** graph.nodes[graph.outputs[0]].scale
    np.testing.assert_allclose(found, real[0] / real[1], atol=2e-4)


@pytest.mark.parametrize("op", ["Log", "Sqrt"])
def test_a_function_that_is_not_finite_where_calibration_looked_is_refused(op):
    x = np.linspace(-1, 1, 50, dtype=np.float32)
    x = x[x != 0]
    made = model([node(op)], {"x": x.shape})
    with pytest.raises((UnsupportedError, InputError), match="not finite"):
        build(made, [(x,)])


def test_an_input_beyond_a_table_is_refused_by_name():
    made = model([node("Log")], {"x": (8,)})
    graph = build(made, [(np.linspace(1, 4, 8, dtype=np.float32),)])
    integers = quantise_inputs(graph, [np.full((1, 8), -1, np.float32)])
    with pytest.raises(InputError, match="'Log' overflows"):
        run(graph, integers, batch=True)
