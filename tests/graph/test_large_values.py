"""Values too large to be held in steps of 1: outputs and inputs with a negative scale."""

from __future__ import annotations

import math

import numpy as np
import pytest

import verifai
from tests.graph.test_whole_inputs import whole_model
from tests.needs import skip_without
from verifai.errors import UnsupportedError
from verifai.graph import build, dequantise, quantise_inputs, run, torch_run
from verifai.proof import Proof
from verifai.proof.tensor import TensorSpec

skip_without("onnx", "onnxruntime")


def scaled(factor: float) -> verifai.Model:
    """y = factor x + factor."""
    values = np.full((1, 3), factor, dtype=np.float32)
    nodes = [("Mul", ["x", "k"], "m", {}), ("Add", ["m", "k"], "y", {})]
    return whole_model({"x": ("float32", [1, 3])}, nodes, {"y": "float32"}, k=values)


def samples(largest: float) -> list[tuple[np.ndarray, ...]]:
    rng = np.random.default_rng(1)
    found = [rng.uniform(-largest, largest, (1, 3)).astype(np.float32) for _ in range(8)]
    return [(x,) for x in found]


@pytest.mark.parametrize(("largest", "factor"), [(1.0, 3e6), (5e6, 1e-6), (7e8, 2.0), (3e4, 0.5)])
def test_large_values_are_multiples_of_a_power_of_two(largest, factor):
    model, data = scaled(factor), samples(largest)
    graph = build(model, data)
    ends = (graph.inputs[0], graph.outputs[0])
    for at, seen in zip(ends, (data, [model.run(x) for x in data]), strict=True):
        reach = max(float(np.abs(x[0]).max()) for x in seen)
        assert graph.nodes[at].scale == 14 - math.ceil(math.log2(reach))
    assert min(graph.nodes[at].scale for at in ends) < 0
    given = quantise_inputs(graph, [np.stack([x for (x,) in data])])
    values = run(graph, given, batch=True)
    for one, two in zip(values, torch_run(graph, given), strict=True):
        assert np.array_equal(one, two)
    shown = dequantise(graph, ends[0], values[ends[0]])
    wanted = factor * shown + np.float32(factor)
    made = dequantise(graph, ends[1], values[ends[1]])
    assert np.abs(made - wanted).max() <= 2e-4 * np.abs(wanted).max()


@pytest.mark.proof
def test_a_proof_of_large_values():
    model, data = scaled(3e6), samples(1.0)
    pk, vk = verifai.setup(verifai.compile(model, data))
    (output,) = vk.outputs
    assert output.scale < 0
    bundle = verifai.prove(pk, data[0])
    statement = verifai.verify(Proof.from_bytes(bundle.to_bytes()), vk)
    (claim,) = statement.outputs
    assert np.array_equal(claim.values, np.reshape(claim.integers, (1, 3)) * 2.0**-output.scale)
    assert np.abs(claim.values - model.run(data[0])[0]).max() <= 2e3


def test_a_specification_says_what_integers_stand_for():
    spec = TensorSpec.from_json({"name": "y", "shape": [2], "scale": -3, "visibility": "public"})
    assert spec.real([5, -1]).tolist() == [40.0, -8.0]
    assert spec.real([(1 << 62) - 1, 0])[0] == float((1 << 65) - 8)


def test_steps_that_are_larger_than_the_values_need_are_refused():
    nodes = [("Min", ["x", "k"], "y", {})]
    model = whole_model(
        {"x": ("float32", [1, 3])}, nodes, {"y": "float32"}, k=np.array([9.0], dtype=np.float32)
    )
    data = [(np.abs(x),) for (x,) in samples(1e6)]
    with pytest.raises(UnsupportedError, match="held in steps of"):
        build(model, data)
