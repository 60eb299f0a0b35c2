"""ArgMax, ArgMin, Hardmax, TopK: what onnxruntime gives, ties included, and one witness of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.graph.exhaustion import check_every_witness, operator_graph
from tests.graph.single import check, grid, model, node
from tests.graph.test_whole_inputs import exact_graph, violations, whole_model
from tests.needs import skip_without
from verifai.circuit.lower import lower
from verifai.circuit.satisfied import unsatisfied
from verifai.circuit.visibility import Visibility
from verifai.circuit.witness import witness
from verifai.errors import UnsupportedError
from verifai.graph import build, quantise_inputs, run

skip_without("onnxruntime", "torch")


few = settings(max_examples=10, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
shapes = st.lists(st.integers(1, 6), min_size=1, max_size=3)


@few
@given(seeds, shapes, st.integers(0, 2), st.booleans(), st.booleans(), st.booleans())
def test_the_first_or_last_of_the_largest(seed, shape, axis, smallest, last, keep):
    rng = np.random.default_rng(seed)
    axis %= len(shape)
    if shape[axis] == 1:
        shape[axis] = 5
    attributes = {"axis": axis, "keepdims": int(keep), "select_last_index": int(last)}
    made = whole_model(
        {"x": ("int32", shape)},
        [("ArgMin" if smallest else "ArgMax", ["x"], "y", attributes)],
        {"y": "int64"},
    )
    exact_graph(made, [(rng.integers(-2, 3, shape).astype(np.int32),) for _ in range(3)])


@few
@given(seeds, shapes, st.integers(0, 2), st.integers(1, 9), st.booleans())
def test_the_k_largest_in_order(seed, shape, axis, k, largest):
    rng = np.random.default_rng(seed)
    axis %= len(shape)
    shape[axis] = max(shape[axis], k)
    made = whole_model(
        {"x": ("int64", shape)},
        [("TopK", ["x", "k"], ["v", "i"], {"axis": axis, "largest": int(largest)})],
        {"v": "int64", "i": "int64"},
        k=np.array([k]),
    )
    exact_graph(made, [(rng.integers(-3, 4, shape),) for _ in range(3)])


@few
@given(seeds, shapes, st.integers(0, 2), st.booleans())
def test_of_floats(seed, shape, axis, old):
    rng = np.random.default_rng(seed)
    axis %= len(shape)
    shape[axis] = max(shape[axis], 2)
    samples = [(grid(rng, shape),) for _ in range(2)]
    check(model([node("Hardmax", axis=axis)], {"x": shape}, opset=12 if old else 18), samples)
    nodes = [node("TopK", ["x", "k"], ["v", "i"], axis=axis), node("Cast", ["i"], ["j"], to=1)]
    check(model(nodes, {"x": shape}, {"k": np.array([2])}, outputs=("v", "j")), samples)


def _first(x):
    return [np.array([np.argmax(x)])]


def _last(x):
    return [np.array([len(x) - 1 - np.argmin(x[::-1])])]


def _two(x):
    order = np.argsort(-x, kind="stable")
    return [x[order], order]


@pytest.mark.parametrize(
    ("operator", "attributes", "expected"),
    [
        ("ArgMax", {"axis": 0}, _first),
        ("ArgMin", {"axis": 0, "select_last_index": 1}, _last),
        ("TopK", {}, _two),
    ],
)
def test_there_is_one_witness(operator, attributes, expected):
    constants = {"k": np.array([2])} if operator == "TopK" else {}
    outputs = 1 + (operator == "TopK")
    inputs = {"x": ((2,), 2, -2)}
    graph = operator_graph(operator, inputs, constants, outputs, **attributes)
    assert check_every_witness(graph, expected) == 16


@pytest.mark.parametrize("k", [1, 3, 5])
def test_every_other_order_of_the_largest_is_a_lie(k):
    made = whole_model(
        {"x": ("int32", [5])},
        [("TopK", ["x", "k"], ["v", "i"], {"axis": 0})],
        {"v": "int32", "i": "int64"},
        k=np.array([k]),
    )
    sample = (np.array([3, 9, -4, 9, 0], dtype=np.int32),)
    graph = build(made, [sample])
    lowered = lower(graph, Visibility(input="private", output="private"))
    values = run(graph, quantise_inputs(graph, [x[np.newaxis] for x in sample]), batch=True)
    assert not violations(lowered, values)
    honest = witness(lowered, values, 1)
    inputs = {tensor.node for tensor in lowered.operations.inputs}
    for place, at in enumerate(lowered.operations.committed):
        if at in inputs:
            continue
        for element in range(honest[place].size):
            for change in (-1, 1):
                lie = [array.copy() for array in honest]
                lie[place].reshape(-1)[element] += change
                assert unsatisfied(lowered.operations, lowered.weights, lie, 1)


def test_another_of_the_largest_is_a_lie():
    made = whole_model(
        {"x": ("int32", [1, 5])}, [("ArgMax", ["x"], "y", {"axis": 1})], {"y": "int64"}
    )
    sample = (np.array([[3, 9, 9, -1, 9]], dtype=np.int32),)
    graph = build(made, [sample])
    lowered = lower(graph, Visibility(input="private", output="private"))
    values = run(graph, quantise_inputs(graph, [x[np.newaxis] for x in sample]), batch=True)
    assert values[graph.outputs[0]].item() == 1
    for index in (0, 2, 3, 4):
        lie = list(values)
        lie[graph.outputs[0]] = np.full_like(values[graph.outputs[0]], index)
        assert violations(lowered, lie)


def test_keys_have_an_end():
    made = whole_model(
        {"x": ("int64", [1, 70])}, [("ArgMax", ["x"], "y", {"axis": 1})], {"y": "int64"}
    )
    wide = np.arange(70)[np.newaxis] * 2**20
    with pytest.raises(UnsupportedError, match=r"the largest of 70 numbers of 28 bits.*31 bits"):
        build(made, [(wide,)])
