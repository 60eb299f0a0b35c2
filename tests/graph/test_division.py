"""Div and Mod of integers: what onnxruntime gives, all signs included, and one witness of it."""

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
from verifai.circuit.lowered import NodeValues
from verifai.circuit.visibility import Visibility
from verifai.errors import InputError, UnsupportedError
from verifai.graph import build, quantise_inputs, run

skip_without("onnxruntime", "torch")


few = settings(max_examples=12, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
operators = st.sampled_from([("Div", {}), ("Mod", {"fmod": 0}), ("Mod", {"fmod": 1})])
kinds = st.sampled_from(["int8", "uint8", "int16", "int32", "int64"])


def _numbers(rng, kind, shape, *, zero=True):
    limits = np.iinfo(kind)
    low, high = max(limits.min, -(2**15)), min(limits.max, 2**15 - 1)
    result = rng.integers(low, high + 1, shape)
    result.flat[0] = low if zero else max(low, -1) or 1
    return np.where((result == 0) & (not zero), high, result).astype(kind)


@few
@given(seeds, operators, kinds, st.booleans(), st.booleans())
def test_by_computed_divisors(seed, operator, kind, broadcast, small):
    rng = np.random.default_rng(seed)
    name, attributes = operator
    shapes = ((2, 1, 3), (4, 1)) if broadcast else ((3, 4), (3, 4))
    made = whole_model(
        {"x": (kind, list(shapes[0])), "y": (kind, list(shapes[1]))},
        [(name, ["x", "y"], "z", attributes)],
        {"z": kind},
    )
    samples = []
    for _ in range(3):
        x, y = _numbers(rng, kind, shapes[0]), _numbers(rng, kind, shapes[1], zero=False)
        if small:
            y = np.where(y % 5 == 0, 7, y % 5).astype(kind)
        if kind in ("int8", "int16"):  # the quotient of the lowest number and -1 has no place
            x = np.maximum(x, np.iinfo(kind).min + 1)
        samples.append((x, y))
    exact_graph(made, samples)


@few
@given(
    seeds,
    operators,
    st.sampled_from([[3], [-3], [8], [-8], [1000], [1], [-1], [3, -5, 7, 8, 1, -1], [32767, 6]]),
    st.booleans(),
    st.booleans(),
)
def test_by_constants(seed, operator, divisor, stated, small):
    """Stated constants are tables and coefficients, learned ones weights."""
    import onnx

    rng = np.random.default_rng(seed)
    name, attributes = operator
    kind = "int8" if small and max(map(abs, divisor)) < 128 else "int64"
    values = np.array(divisor, dtype=kind)
    constant = ("Constant", [], "c", {"value": onnx.numpy_helper.from_array(values)})
    made = whole_model(
        {"x": (kind, [4, len(divisor)])},
        [*([constant] if stated else []), (name, ["x", "c"], "y", attributes)],
        {"y": kind},
        **({} if stated else {"c": values}),
    )
    lowest = np.iinfo("int8" if kind == "int8" else "int16").min
    samples = [(_numbers(rng, kind, (4, len(divisor))),) for _ in range(3)]
    samples = [(np.maximum(x, lowest + 1),) for (x,) in samples]
    exact_graph(made, samples)


def test_the_rest_of_floats():
    rng = np.random.default_rng(5)
    for divisor in (np.float32(0.75), np.float32([1.5, -2, 0.25])):
        made = model([node("Mod", ["x", "d"], fmod=1)], {"x": (4, 3)}, {"d": divisor})
        check(made, [(grid(rng, (4, 3)),) for _ in range(2)])
    divisors = np.float32([[1.5, -2, 0.25]] * 4)
    made = model([node("Mod", ["x", "d"], fmod=1)], {"x": (4, 3), "d": (4, 3)})
    check(made, [(grid(rng, (4, 3)), divisors), (grid(rng, (4, 3)), -divisors)])


def _remainder(fmod):
    rest = np.fmod if fmod else np.mod
    return lambda x, y: [rest(x, y)] if y[0] else None


@pytest.mark.parametrize(
    ("operator", "attributes", "expected"),
    [
        ("Div", {}, lambda x, y: [np.trunc(x / y).astype(np.int64)] if y[0] else None),
        ("Mod", {"fmod": 0}, _remainder(0)),
        ("Mod", {"fmod": 1}, _remainder(1)),
    ],
)
def test_there_is_one_witness_and_none_for_zero(operator, attributes, expected):
    number = ((1,), 3, -4)
    graph = operator_graph(operator, {"x": number, "y": number}, **attributes)
    assert check_every_witness(graph, expected) == 64
    for divisor in (3, -4):
        constant = {"d": np.array([divisor])}
        graph = operator_graph(operator, {"x": ((1,), 4, -8)}, constant, **attributes)
        check_every_witness(graph, lambda x, d=divisor: expected(x, np.array([d])))


def test_another_quotient_is_a_lie():
    made = whole_model(
        {"x": ("int16", [3]), "y": ("int16", [3])}, [("Div", ["x", "y"], "z", {})], {"z": "int16"}
    )
    sample = (np.array([-700, 13, 9], dtype=np.int16), np.array([9, -5, 3], dtype=np.int16))
    graph = build(made, [sample])
    lowered = lower(graph, Visibility(input="private", output="private"))
    values = run(graph, quantise_inputs(graph, [x[np.newaxis] for x in sample]), batch=True)
    assert not violations(lowered, values)
    committed = [step.node for step in lowered.program if isinstance(step, NodeValues)]
    for at in sorted({*committed} - {*graph.inputs}):
        lie = list(values)
        low, high = graph.nodes[at].low, graph.nodes[at].high
        lie[at] = np.where(values[at] < high, values[at] + 1, low)
        assert violations(lowered, lie), graph.nodes[at]


def test_refusals():
    def built(kind, sample, **constants):
        operands = ["x", *(constants or ["y"])]
        inputs = {"x": (kind, [2]), **({} if constants else {"y": (kind, [2])})}
        return build(
            whole_model(inputs, [("Div", operands, "z", {})], {"z": kind}, **constants), [sample]
        )

    x = np.array([7, 8])
    with pytest.raises(UnsupportedError, match="a division by zero"):
        operator_graph("Mod", {"x": ((2,), 4, 0)}, {"c": np.array([3, 0])})
    with pytest.raises(UnsupportedError, match="a divisor that reaches 8,388,608; 65,536"):
        built("int64", (x, x * 1_000_000))
    with pytest.raises(UnsupportedError, match="a division of 28-bit integers by 15-bit ones"):
        built("int32", (x.astype(np.int32) * 2**23,), c=np.array([30_000, 7], dtype=np.int32))
    graph = built("int64", (x, x))
    with pytest.raises(InputError, match="overflows its calibrated range"):
        run(graph, [x, x * 0])
