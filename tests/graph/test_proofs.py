"""Every operator in a real proof: what the integer graph says is what the circuit shows."""

from __future__ import annotations

import numpy as np
import pytest

import verifai
from tests.campaign import part
from tests.graph.models import CASES, Case
from tests.needs import skip_without
from verifai.circuit.lower import lower
from verifai.circuit.satisfied import unsatisfied
from verifai.circuit.witness import witness
from verifai.graph import IntegerGraph, build, quantise_inputs, run

skip_without("onnx", "onnxruntime", "onnxscript", "verifai._native")

#: The first case of each operator.
FIRST = {case.operator: case for case in reversed(CASES)}
#: Of different kinds: a product, a table, a maximum, a division, a sum of parts. The rest is slow.
FAST = ("Gemm", "Sigmoid", "MaxPool", "Softmax", "Concat")


def proved(case: Case):
    """A proof of one inference; the prover checks it with the native verifier."""
    model = case.model()
    circuit = verifai.compile(model, case.samples(32))
    key, verifying = verifai.setup(circuit)
    sample = case.samples(1, share=0.8)[0]
    proof = verifai.prove(key, sample if len(sample) > 1 else sample[0])
    graph = IntegerGraph.from_bytes(circuit.compiled)
    values = run(graph, quantise_inputs(graph, [array[np.newaxis] for array in sample]), batch=True)
    for node, tensor in zip(graph.outputs, proof.statement.outputs, strict=True):
        stated = np.asarray(tensor.integers, dtype=np.int64).reshape(-1)
        assert np.array_equal(stated, values[node].reshape(-1))
    return verifying, proof


@pytest.mark.parametrize("operator", FAST)
def test_proof_that_python_verifies(operator):
    verifying, proof = proved(FIRST[operator])
    verifai.verify(proof, verifying)


OTHERS = sorted(set(FIRST) - set(FAST))
PROVED = part(OTHERS, 30)


@pytest.mark.slow
@pytest.mark.parametrize("operator", PROVED)
def test_proof(operator):
    proved(FIRST[operator])


@pytest.mark.parametrize("operator", [name for name in OTHERS if name not in PROVED])
def test_circuit(operator):
    """The others' witnesses satisfy every constraint: a proof would show no more."""
    case = FIRST[operator]
    graph = build(case.model(), case.samples(32))
    lowered = lower(graph, verifai.Visibility(), hiding=True)
    inputs = quantise_inputs(graph, [array[np.newaxis] for array in case.samples(1, share=0.8)[0]])
    values = witness(lowered, run(graph, inputs, batch=True), 1)
    assert unsatisfied(lowered.operations, lowered.weights, values, 1) == []
