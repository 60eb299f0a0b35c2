"""Every operator: two runs agree bit for bit, the reals are near, and the circuit is satisfied."""

from __future__ import annotations

import numpy as np
import pytest

from tests.graph.models import CASES, Case
from tests.needs import skip_without
from verifai.circuit.lower import lower
from verifai.circuit.satisfied import unsatisfied
from verifai.circuit.visibility import Visibility
from verifai.circuit.witness import witness
from verifai.graph import IntegerGraph, build, dequantise, quantise_inputs, run, torch_run

skip_without("onnx", "onnxruntime", "torch")

#: Rounding errors of intermediate steps, in units of the output.
UNITS = 4.0
#: Share of the largest output: 15-bit weights and 16-bit activations over several steps.
SHARE = 2e-3


def deviation(graph: IntegerGraph, case: Case, values, inputs) -> None:
    """The circuit's outputs against the float model's on the inputs as the circuit rounds them."""
    model = case.model()
    for index in range(len(inputs[0])):
        exact = [
            dequantise(graph, node, values[node][index]).astype(np.float32).reshape(info.shape)
            for node, info in zip(graph.inputs, model.inputs, strict=True)
        ]
        expected = model.run(exact[0] if len(exact) == 1 else tuple(exact))
        for node, shape, real in zip(graph.outputs, graph.output_shapes, expected, strict=True):
            made = dequantise(graph, node, values[node][index]).reshape(shape)
            unit = 2.0 ** -graph.nodes[node].scale
            allowed = UNITS * unit + SHARE * float(np.abs(real).max())
            assert np.abs(made - real).max() <= allowed, (graph.nodes[node].scale, made, real)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_operator(case):
    model = case.model()
    graph = build(model, case.samples(32))
    graph.validate()
    assert IntegerGraph.from_bytes(graph.to_bytes()).to_bytes() == graph.to_bytes()
    for batch in (1, 3):
        samples = case.samples(batch, share=0.9)
        arrays = [np.stack([sample[i] for sample in samples]) for i in range(len(case.shapes))]
        inputs = quantise_inputs(graph, arrays)
        values = run(graph, inputs, batch=True)
        for node, one, two in zip(graph.nodes, values, torch_run(graph, inputs), strict=True):
            assert one.dtype == two.dtype == np.int64
            assert np.array_equal(one, two), node.name
            assert one.shape == ((batch,) if node.batched else ()) + node.shape
            assert node.low <= one.min() <= one.max() <= node.high, node
        deviation(graph, case, values, inputs)
        for visibility in (Visibility(), Visibility(input="private", output="committed")):
            lowered = lower(graph, visibility)
            committed = witness(lowered, values, batch)
            assert unsatisfied(lowered.operations, lowered.weights, committed, batch) == []
    alone = run(graph, [array[0] for array in inputs])
    for node, one, many in zip(graph.nodes, alone, values, strict=True):
        assert np.array_equal(one, many[0] if node.batched else many)
