"""Integers and booleans as inputs and outputs: exact, at scale 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import verifai
from tests.needs import skip_without
from verifai.circuit.lower import lower
from verifai.circuit.lowered import LoweredCircuit, NodeValues
from verifai.circuit.satisfied import unsatisfied
from verifai.circuit.visibility import Visibility
from verifai.circuit.witness import witness
from verifai.errors import InputError, UnsupportedError
from verifai.graph import IntegerGraph, build, dequantise, quantise_inputs, run, torch_run

skip_without("onnx", "onnxruntime")


#: Element types, and what an input of each may hold without calibration having seen it.
RANGES = {
    "bool": (0, 1),
    "int8": (-128, 127),
    "uint8": (0, 255),
    "int16": (-32768, 32767),
    "uint16": (0, 65535),
    "int32": (-32768, 32767),
    "uint32": (0, 65535),
    "int64": (-32768, 32767),
    "uint64": (0, 65535),
}


def whole_model(
    inputs: dict[str, tuple[str, list[int]]],
    nodes: list[tuple[str, list[str], str | list[str], dict[str, Any]]],
    outputs: dict[str, str],
    **constants: Any,
) -> verifai.Model:
    """A model of typed inputs (element type, shape) and outputs (element type), by name.

    ``nodes``: operator, inputs, output or outputs, attributes.
    """
    import onnx
    from onnx import helper, numpy_helper

    def described(name: str, kind: str, shape: list[int] | None) -> Any:
        number = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        return helper.make_tensor_value_info(name, number, shape)

    graph = helper.make_graph(
        [
            helper.make_node(kind, names, [made] if isinstance(made, str) else made, **rest)
            for kind, names, made, rest in nodes
        ],
        "graph",
        [described(name, *of) for name, of in inputs.items()],
        [described(name, kind, None) for name, kind in outputs.items()],
        [numpy_helper.from_array(np.asarray(values), name) for name, values in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    return verifai.Model.from_bytes(inferred.SerializeToString())


def violations(lowered: LoweredCircuit, values: list[np.ndarray]) -> list[Any]:
    """The constraints of a circuit that the witness made of these values violates."""
    return unsatisfied(lowered.operations, lowered.weights, witness(lowered, values, 1), 1)


def exact_graph(model: verifai.Model, samples: list[tuple[np.ndarray, ...]]) -> IntegerGraph:
    """The integer graph: on these inputs it is what onnxruntime gives, in numpy, torch and circuit,
    to the last unit.
    """
    graph = build(model, samples)
    for sample in samples:
        given = quantise_inputs(graph, [x[np.newaxis] for x in sample])
        values = run(graph, given, batch=True)
        for one, two in zip(values, torch_run(graph, given), strict=True):
            assert np.array_equal(one, two)
        for at, wanted in zip(graph.outputs, model.run(sample), strict=True):
            made = dequantise(graph, at, values[at]).reshape(wanted.shape)
            assert graph.nodes[at].scale == 0
            assert np.array_equal(made, wanted.astype(np.float64))
        lowered = lower(graph, Visibility(input="private", output="private"))
        assert not violations(lowered, values)
    return graph


def _turned(kind: str) -> verifai.Model:
    """A transposition, which onnxruntime has for every element type."""
    node = ("Transpose", ["x"], "y", {"perm": [1, 0]})
    return whole_model({"x": (kind, [1, 3])}, [node], {"y": kind})


@pytest.mark.parametrize("kind", RANGES)
def test_inputs_hold_what_their_element_type_does_or_16_bits(kind):
    low, high = RANGES[kind]
    graph = exact_graph(_turned(kind), [(np.array([[0, 1, 1]], dtype=kind),)])
    node = graph.nodes[graph.inputs[0]]
    assert (node.low, node.high, node.scale) == (low, high, 0)


def test_calibration_widens_an_integer_input_up_to_32_bits():
    seen = np.array([[0, 100_000, -3]], dtype=np.int64)
    graph = exact_graph(_turned("int64"), [(seen,)])
    assert graph.nodes[graph.inputs[0]].high == 2**17 - 1
    with pytest.raises(UnsupportedError, match=r"x \(input\): it reaches 4,294,967,296, and"):
        build(_turned("int64"), [(seen * 0 + 2**32,)])


def test_arithmetic_of_wide_integers_is_exact():
    nodes = [
        ("Add", ["a", "k"], "b", {}),
        ("Mul", ["b", "f"], "d", {}),
        ("Where", ["c", "d", "a"], "y", {}),
        ("Greater", ["y", "limit"], "over", {}),
        ("Not", ["over"], "under", {}),
        ("Clip", ["d", "", "most"], "clipped", {}),
        ("MatMul", ["a", "matrix"], "product", {}),
    ]
    model = whole_model(
        {"a": ("int64", [1, 4]), "c": ("bool", [1, 4])},
        nodes,
        {"y": "int64", "under": "bool", "clipped": "int64", "product": "int64"},
        k=np.array([5, 70_001, -3, 1]),
        f=np.array([3, 1, 10_001, -2]),
        limit=np.array([10]),
        most=np.array(40_000_001),
        matrix=np.array([[1, 65_537], [0, 2], [-7, 3], [1_000_003, 0]]),
    )
    rng = np.random.default_rng(1)
    samples = [
        (rng.integers(-900, 900, (1, 4)), rng.integers(0, 2, (1, 4)).astype(bool)) for _ in range(8)
    ]
    exact_graph(model, [*samples, (np.array([[1, 2, 8_191, 4]]), np.ones((1, 4), dtype=bool))])


@pytest.mark.proof
def test_a_proof_of_integers_and_booleans():
    model = whole_model(
        {"x": ("int8", [1, 3]), "flag": ("bool", [1, 3])},
        [("Where", ["flag", "x", "zero"], "y", {}), ("Equal", ["x", "zero"], "none", {})],
        {"y": "int8", "none": "bool"},
        zero=np.array([0], dtype=np.int8),
    )
    x, flag = np.array([[-128, 127, 0]], dtype=np.int8), np.array([[True, False, True]])
    for visibility in ("public", "committed"):
        circuit = verifai.compile(
            model, [(x, flag)], visibility=verifai.Visibility(input=visibility)
        )
        pk, vk = verifai.setup(circuit)
        statement = verifai.verify(verifai.prove(pk, (x, flag)), vk)
        assert [claim.integers for claim in statement.outputs] == [(-128, 0, 0), (0, 0, 1)]
        if visibility == "public":
            assert [claim.integers for claim in statement.inputs] == [(-128, 127, 0), (1, 0, 1)]
        with pytest.raises(InputError):
            verifai.prove(pk, (x, flag.astype(np.int64) * 2))


@pytest.mark.parametrize("visibility", ["public", "committed", "private"])
def test_a_boolean_of_two_satisfies_no_circuit(visibility):
    model = whole_model(
        {"x": ("int8", [1, 2]), "flag": ("bool", [1, 2])},
        [("Where", ["flag", "x", "zero"], "y", {})],
        {"y": "int8"},
        zero=np.array([0], dtype=np.int8),
    )
    sample = (np.array([[1, 2]], dtype=np.int8), np.array([[True, False]]))
    graph = build(model, [sample])
    lowered = lower(graph, Visibility(input=visibility, output="private"))
    honest = run(graph, quantise_inputs(graph, [x[np.newaxis] for x in sample]), batch=True)
    assert not violations(lowered, honest)
    lie = witness(lowered, honest, 1)
    for values, step in zip(lie, lowered.program, strict=True):
        if step == NodeValues(graph.inputs[1]):
            values[...] = 2
    assert unsatisfied(lowered.operations, lowered.weights, lie, 1)


def test_public_integers_have_32_bits_and_committed_ones_16():
    seen = np.array([[0, 100_000, -3]], dtype=np.int64)
    graph = build(_turned("int64"), [(seen,)])
    for node in lower(graph, Visibility()).operations.inputs:
        assert node.visibility == "public"
    with pytest.raises(UnsupportedError, match="18 bits, and a committed input has at most 16"):
        lower(graph, Visibility(input="committed", output="private"))


@pytest.mark.parametrize("kind", ["uint32", "uint64"])
@pytest.mark.parametrize("operator", ["Cast", "Sub"])
def test_wide_integers_without_a_sign_are_never_negative(operator, kind):
    import onnx

    if operator == "Cast":
        number = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        node = ("Cast", ["x"], "y", {"to": number})
        given, off = "int32", -1
    else:
        node = ("Sub", ["x", "one"], "y", {})
        given, off = kind, 0
    model = whole_model(
        {"x": (given, [1, 3])}, [node], {"y": kind}, one=np.ones([1, 3], dtype=kind)
    )
    graph = exact_graph(model, [(np.array([[1, 2, 9]], dtype=given),)])
    for sign in (off, 1):
        integers = quantise_inputs(graph, [np.array([[[sign, 2, 9]]], dtype=given)])
        if sign == 1:
            run(graph, integers, batch=True)
            continue
        with pytest.raises(InputError):
            run(graph, integers, batch=True)
