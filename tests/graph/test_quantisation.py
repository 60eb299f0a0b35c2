"""Scales, constants and comparisons at the edges of fixed point."""

from __future__ import annotations

import numpy as np
import pytest

from tests.graph.models import chain, loaded
from tests.needs import skip_without
from verifai.circuit.lower import lower
from verifai.circuit.satisfied import unsatisfied
from verifai.circuit.visibility import Visibility
from verifai.circuit.witness import witness
from verifai.errors import InputError, UnsupportedError
from verifai.graph import Options, build, dequantise, fidelity, quantise_inputs, run
from verifai.graph.integer import Weight

skip_without("onnxruntime", "onnxscript")


def samples(shape, count=64, largest=1.0, seed=0):
    rng = np.random.default_rng(seed)
    return [(rng.uniform(-largest, largest, shape).astype(np.float32),) for _ in range(count)]


def relative(model, data, **options):
    graph = build(model, data, Options(**options))
    return fidelity(graph, model, data).relative_error


@pytest.mark.parametrize("largest", [1e-9, 1e-6, 1e-3, 1.0, 1e3, 1e4])
def test_relative_precision_does_not_depend_on_the_size_of_inputs(largest):
    rng = np.random.default_rng(1)
    weights = (rng.normal(size=(6, 4)) / largest).astype(np.float32)
    model = chain([("MatMul", [weights], {}), ("Relu", [], {})], (2, 6))
    assert relative(model, samples((2, 6), largest=largest)) < 1e-3


@pytest.mark.parametrize("factor", [1e-8, 1e-4, 1e4])
def test_weights_of_any_size(factor):
    rng = np.random.default_rng(2)
    weights = (rng.normal(size=(6, 4)) * factor).astype(np.float32)
    undo = np.float32(1 / factor)
    model = chain([("MatMul", [weights], {}), ("Mul", [undo], {})], (2, 6))
    assert relative(model, samples((2, 6))) < 1e-3


def test_a_range_of_zero_has_a_scale():
    model = chain([("Mul", [np.float32(3)], {})], (4,))
    graph = build(model, [(np.zeros(4, np.float32),)])
    values = run(graph, quantise_inputs(graph, [np.full((1, 4), 0.25, np.float32)]), batch=True)
    at = graph.outputs[0]
    np.testing.assert_allclose(dequantise(graph, at, values[at]), 0.75, atol=2**-12)


@pytest.mark.parametrize(("weight_bits", "worst"), [(12, 1e-3), (15, 5e-4)])
def test_weak_channels_keep_their_precision(weight_bits, worst):
    rng = np.random.default_rng(3)
    size = np.float32([1, 0.1, 0.01, 0.004])
    weights = (rng.normal(size=(8, 4)) * size).astype(np.float32)
    model = chain([("MatMul", [weights], {}), ("Mul", [1 / size], {})], (1, 8))
    data = samples((1, 8))
    graph = build(model, data, Options(weight_bits=weight_bits))
    largest = [
        np.abs(node.operation.values).max(axis=0)
        for node in graph.nodes
        if isinstance(node.operation, Weight) and node.shape == (8, 4)
    ]
    assert len(largest) == 1
    assert largest[0].min() >= 1 << 10  # every channel has 12 bits, sign included
    # the activations between the two products have one scale: its unit bounds the error
    assert fidelity(graph, model, data).relative_error < worst + 2**-14 / 0.004


def test_constants_have_bits_of_their_own():
    """A constant operand is no activation: narrow activations leave it as it is."""
    model = chain([("Max", [np.float32([20.3, -5])], {}), ("Mul", [np.float32(0.5)], {})], (3, 2))
    data = samples((3, 2), largest=30)
    assert relative(model, data, activation_bits=8) < 0.02


def test_a_far_away_bound_costs_no_precision():
    model = chain([("Max", [np.float32([-1e9, -1e9])], {})], (3, 2))
    data = samples((3, 2))
    assert relative(model, data) < 1e-4


def _two_inputs(nodes, outputs, constants=()):
    from onnx import TensorProto, helper, numpy_helper

    infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, (2, 3)) for n in ("a", "b")]
    return loaded(nodes, infos, [numpy_helper.from_array(v, n) for n, v in constants], outputs)


@pytest.mark.parametrize("operator", ["Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"])
@pytest.mark.parametrize("constant", [None, 0.25, 1e30, -1e30])
def test_comparisons_and_where(operator, constant):
    from onnx import TensorProto, helper

    constants = [] if constant is None else [("c", np.float32(constant))]
    nodes = [
        helper.make_node(operator, ["a", "b" if constant is None else "c"], ["holds"]),
        helper.make_node("Where", ["holds", "a", "b"], ["y"]),
        helper.make_node("Not", ["holds"], ["fails"]),
        helper.make_node("Cast", ["fails"], ["z"], to=TensorProto.FLOAT),
    ]
    model = _two_inputs(nodes, ["y", "z"], constants)
    rng = np.random.default_rng(5)
    data = [tuple((rng.integers(-3, 4, (2, 2, 3)) / 4).astype(np.float32)) for _ in range(8)]
    graph = build(model, data)
    assert fidelity(graph, model, data).maximum_error == 0
    batches = [np.stack([sample[i] for sample in data]) for i in (0, 1)]
    values = run(graph, quantise_inputs(graph, batches), batch=True)
    lowered = lower(graph, Visibility())
    committed = witness(lowered, values, len(data))
    assert unsatisfied(lowered.operations, lowered.weights, committed, len(data)) == []


def test_logic():
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Less", ["a", "b"], ["p"]),
        helper.make_node("Greater", ["a", "c"], ["q"]),
        helper.make_node("And", ["p", "q"], ["both"]),
        helper.make_node("Or", ["p", "q"], ["any"]),
        helper.make_node("Xor", ["both", "any"], ["one"]),
        helper.make_node("Cast", ["one"], ["y"], to=TensorProto.FLOAT),
    ]
    model = _two_inputs(nodes, ["y"], [("c", np.float32(0.1))])
    rng = np.random.default_rng(6)
    data = [tuple(rng.uniform(-1, 1, (2, 2, 3)).astype(np.float32)) for _ in range(8)]
    graph = build(model, data)
    assert fidelity(graph, model, data).maximum_error == 0


def test_an_input_at_a_pole_is_refused_by_name():
    model = chain([("Reciprocal", [], {})], (4,))
    graph = build(model, [(np.float32([-2, -0.5, 0.5, 2]),)])
    good = quantise_inputs(graph, [np.float32([[-1, 1, -0.5, 0.5]])])
    at = graph.outputs[0]
    found = dequantise(graph, at, run(graph, good, batch=True)[at])
    np.testing.assert_allclose(found, [[-1, 1, -2, 2]], atol=1e-3)
    for value in (0.0, 0.1, -0.1):
        pole = quantise_inputs(graph, [np.float32([[1, 1, 1, value]])])
        with pytest.raises(InputError, match="Reciprocal_0"):
            run(graph, pole, batch=True)


def test_a_division_by_a_range_around_zero_is_refused():
    from onnx import helper

    nodes = [helper.make_node("Div", ["a", "b"], ["y"], name="ratio")]
    model = _two_inputs(nodes, ["y"])
    rng = np.random.default_rng(7)
    data = [tuple(rng.uniform(-1, 1, (2, 2, 3)).astype(np.float32)) for _ in range(4)]
    with pytest.raises(UnsupportedError, match="ratio"):
        build(model, data)


def test_saturation_reaches_into_tables():
    model = chain([("Mul", [np.float32(4)], {}), ("Exp", [], {})], (4,))
    data = samples((4,), largest=0.5)
    beyond = quantise_inputs(
        graph := build(model, data, Options(saturate=True)), [np.full((1, 4), 0.99, np.float32)]
    )
    at = graph.outputs[0]
    found = dequantise(graph, at, run(graph, beyond, batch=True)[at])
    assert np.all(found <= graph.nodes[at].high * 2.0 ** -graph.nodes[at].scale)
    assert np.all(
        found > 15.9
    )  # the largest that the output holds: twice e^2, up to a power of two
    with pytest.raises(InputError, match="Exp_1"):
        run(build(model, data), beyond, batch=True)
