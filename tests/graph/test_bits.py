"""Bitwise operators, shifts, signs and powers of integers: exact, with one witness."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.graph.exhaustion import check_every_witness, operator_graph
from tests.graph.test_whole_inputs import exact_graph, whole_model
from tests.needs import skip_without
from verifai.errors import InputError
from verifai.graph import run

skip_without("onnxruntime", "torch")


few = settings(max_examples=8, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
BITWISE = {"BitwiseAnd": np.bitwise_and, "BitwiseOr": np.bitwise_or, "BitwiseXor": np.bitwise_xor}


def numbers(rng, kind, shape):
    limits = np.iinfo(kind)
    low, high = max(limits.min, -(2**15)), min(limits.max, 2**15 - 1)
    return rng.integers(low, high + 1, shape).astype(kind)


@few
@given(
    seeds,
    st.sampled_from([*BITWISE]),
    st.sampled_from(["uint8", "int8", "int16", "uint16", "int32"]),
    st.booleans(),
)
def test_bitwise(seed, operator, kind, constant):
    rng = np.random.default_rng(seed)
    shapes = [2, 4], [4]
    inputs = {"x": (kind, shapes[0])} | ({} if constant else {"m": (kind, shapes[1])})
    constants = {"m": numbers(rng, kind, 4)} if constant else {}
    nodes = [(operator, ["x", "m"], "b", {}), ("BitwiseNot", ["b"], "y", {})]
    made = whole_model(inputs, nodes, {"y": kind}, **constants)
    exact_graph(made, [tuple(numbers(rng, kind, s) for _, s in inputs.values()) for _ in range(2)])


@few
@given(seeds, st.sampled_from(["uint8", "uint16", "uint32"]), st.booleans())
def test_shifts(seed, kind, left):
    rng = np.random.default_rng(seed)
    made = whole_model(
        {"x": (kind, [2, 4]), "n": (kind, [4])},
        [("BitShift", ["x", "n"], "y", {"direction": "LEFT" if left else "RIGHT"})],
        {"y": kind},
    )
    most = min(np.iinfo(kind).bits, 16)
    steps = rng.integers(0, most, 4).astype(kind)
    exact_graph(made, [(numbers(rng, kind, (2, 4)), steps)])


@pytest.mark.parametrize("kind", ["int8", "uint8"])
@pytest.mark.parametrize("left", [True, False])
def test_shifts_of_signs_and_by_too_many_steps(kind, left):
    """As newer operator sets define them: negative steps shift all out."""
    low, high = int(np.iinfo(kind).min), int(np.iinfo(kind).max)
    inputs = {"x": ((256,), 8, low), "n": ((256,), 8, low)}
    direction = "LEFT" if left else "RIGHT"
    graph = operator_graph("BitShift", inputs, kind=kind, direction=direction)
    x = np.arange(low, high + 1)
    for steps in (-8, -1, 0, 1, 5, 7, 8, 100):
        if steps < low:
            continue
        made = run(graph, [x, np.full(256, steps)])[graph.outputs[0]]
        if not 0 <= steps < 8:
            expected = np.where((x < 0) & (not left), -1, 0)
        else:
            expected = (x << steps).astype(kind).astype(np.int64) if left else x >> steps
        assert np.array_equal(made, expected), steps


def test_shifts_that_32_bits_do_not_hold():
    inputs = {"x": ((1,), 8, 0), "n": ((1,), 6, 0)}
    graph = operator_graph("BitShift", inputs, kind="uint32", direction="LEFT")
    assert run(graph, [np.array([5]), np.array([20])])[graph.outputs[0]] == 5 << 20
    for steps in (29, 40):
        with pytest.raises(InputError, match="overflows"):
            run(graph, [np.array([5]), np.array([steps])])


@pytest.mark.parametrize("operator", BITWISE)
def test_there_is_one_witness(operator):
    for first, second in ((-4, -4), (0, -4), (0, 0)):
        inputs = {"x": ((1,), 3, first), "y": ((1,), 3, second)}
        graph = operator_graph(operator, inputs)
        check_every_witness(graph, lambda x, y: [BITWISE[operator](x, y)])


@few
@given(seeds, st.integers(1, 5), st.booleans())
def test_signs_and_powers(seed, exponent, swapped):
    rng = np.random.default_rng(seed)
    power = ["k", "a"] if swapped else ["a", "k"]
    made = whole_model(
        {"x": ("int64", [3, 4])},
        [
            ("Sign", ["x"], "s", {}),
            ("Abs", ["x"], "a", {}),
            ("Pow", power, "p", {}),
            ("Mul", ["s", "p"], "y", {}),
            ("ReduceMean", ["y", "axes"], "m", {}),
        ],
        {"y": "int64", "m": "int64"},
        k=np.array(exponent + swapped),
        axes=np.array([1]),
    )
    exact_graph(made, [(rng.integers(-8, 9, (3, 4)),) for _ in range(2)])
