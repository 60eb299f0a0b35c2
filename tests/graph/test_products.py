"""MatMul, Gemm, Conv, BatchNormalization, and arithmetic with constants and computed tensors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.graph.single import check, grid, model, node
from tests.needs import skip_without
from verifai.graph.integer import Einsum, Requantise, Reshape

skip_without("onnxruntime", "torch")


few = settings(max_examples=12, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 5)


def samples(rng, *shapes, count=2):
    return [tuple(grid(rng, shape) for shape in shapes) for _ in range(count)]


@few
@given(seeds, sizes, sizes, sizes, st.booleans(), st.booleans(), st.sampled_from([1.0, 0.5, -3.0]))
def test_gemm_with_weights(seed, m, k, n, trans_a, trans_b, alpha):
    rng = np.random.default_rng(seed)
    x = (k, m) if trans_a else (m, k)
    constants = {"w": grid(rng, (n, k) if trans_b else (k, n)), "b": grid(rng, (n,))}
    made = model(
        [node("Gemm", ["x", "w", "b"], alpha=alpha, beta=2.0, transA=trans_a, transB=trans_b)],
        {"x": x},
        constants,
    )
    graph = check(made, samples(rng, x))
    assert graph.summary()["Requantise"] == 1


@few
@given(seeds, sizes, sizes, sizes, st.booleans(), st.booleans())
def test_gemm_of_computed_operands(seed, m, k, n, trans_a, trans_b):
    rng = np.random.default_rng(seed)
    a, b, c = (k, m) if trans_a else (m, k), (n, k) if trans_b else (k, n), (m, n)
    made = model(
        [node("Gemm", ["a", "b", "c"], alpha=0.5, beta=0.25, transA=trans_a, transB=trans_b)],
        {"a": a, "b": b, "c": c},
    )
    check(made, samples(rng, a, b, c))


@few
@given(seeds, st.lists(sizes, max_size=2), st.booleans(), st.booleans(), sizes, sizes, sizes)
def test_matmul_broadcasts(seed, lead, drop_left, constant, m, k, n):
    rng = np.random.default_rng(seed)
    left = (m, k) if drop_left else (*lead, m, k)
    right = (*lead, k, n)
    if constant:
        made = model([node("MatMul", ["x", "w"])], {"x": left}, {"w": grid(rng, right)})
        check(made, samples(rng, left))
    else:
        made = model([node("MatMul", ["x", "w"])], {"x": left, "w": right})
        check(made, samples(rng, left, right))


@pytest.mark.parametrize(
    ("left", "right"), [((4,), (4, 3)), ((2, 4), (4,)), ((4,), (4,)), ((5, 2, 4), (1, 4, 3))]
)
def test_matmul_of_vectors_and_of_axes_of_length_one(left, right):
    rng = np.random.default_rng(1)
    check(model([node("MatMul", ["x", "w"])], {"x": left, "w": right}), samples(rng, left, right))


@few
@given(
    seeds,
    st.integers(1, 2),
    st.sampled_from([1, 2]),
    st.sampled_from(["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]),
    st.integers(1, 3),
    st.integers(1, 2),
    st.integers(1, 2),
    st.integers(0, 2),
)
def test_conv(seed, rank, group, auto_pad, kernel, stride, dilation, pad):
    rng = np.random.default_rng(seed)
    size = [int(n) for n in rng.integers(5, 8, rank)]
    channels, out = 2 * group, 3 * group
    assume(auto_pad in ("NOTSET", "VALID") or dilation == 1)
    attributes = {"pads": [pad, 0][:rank] + [0, pad][:rank]} if auto_pad == "NOTSET" else {}
    conv = node(
        "Conv",
        ["x", "w", "b"],
        group=group,
        strides=[stride] * rank,
        dilations=[dilation] * rank,
        auto_pad=auto_pad,
        **attributes,
    )
    constants = {"w": grid(rng, (out, 2, *[kernel] * rank)), "b": grid(rng, (out,))}
    check(model([conv], {"x": (1, channels, *size)}, constants), samples(rng, (1, channels, *size)))


def test_normalisation_is_folded_into_the_convolution():
    rng = np.random.default_rng(0)
    nodes = [
        node("Conv", ["x", "w"], ["c"]),
        node("BatchNormalization", ["c", "s", "o", "m", "v"]),
    ]
    constants = {name: grid(rng, (4,)) for name in "som"}
    constants |= {"w": grid(rng, (4, 3, 3, 3)), "v": np.abs(grid(rng, (4,))) + 1}
    graph = check(model(nodes, {"x": (1, 3, 6, 6)}, constants), samples(rng, (1, 3, 6, 6)))
    assert (graph.summary()["Einsum"], graph.summary()["Requantise"]) == (1, 1)


def test_normalisation_alone():
    rng = np.random.default_rng(0)
    constants = {name: grid(rng, (3,)) for name in "som"} | {"v": np.abs(grid(rng, (3,))) + 1}
    made = model(
        [node("BatchNormalization", ["x", "s", "o", "m", "v"])], {"x": (2, 3, 4)}, constants
    )
    check(made, samples(rng, (2, 3, 4)))


@pytest.mark.parametrize("shape", [(1, 2, 3, 4), (5, 2, 3)])
def test_a_flattening_is_taken_over_by_the_weight(shape):
    rng = np.random.default_rng(0)
    features = int(np.prod(shape[1:]))
    nodes = [node("Flatten", ["x"], ["f"]), node("Gemm", ["f", "w", "b"], transB=1)]
    constants = {"w": grid(rng, (7, features)), "b": grid(rng, (7,))}
    graph = check(model(nodes, {"x": shape}, constants), samples(rng, shape))
    assert not any(isinstance(item.operation, Reshape) for item in graph.nodes)


BROADCASTS = [((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 1), (1, 4)), ((2, 3, 4), (3, 1)), ((3,), ())]


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div", "Max", "Min"])
@pytest.mark.parametrize(("a", "b"), BROADCASTS)
@pytest.mark.parametrize("constant", ["none", "a", "b"])
def test_arithmetic_broadcasts(op, a, b, constant):
    rng = np.random.default_rng(2)
    data = {"a": a, "b": b}

    def draw(name):
        values = grid(rng, data[name])
        return np.asarray(np.abs(values) + 1) if op == "Div" and name == "b" else values

    if constant == "none":
        made = model([node(op, ["a", "b"])], data)
        check(made, [(draw("a"), draw("b")) for _ in range(2)])
    else:
        other = "b" if constant == "a" else "a"
        made = model([node(op, ["a", "b"])], {other: data[other]}, {constant: draw(constant)})
        check(made, [(draw(other),) for _ in range(2)])


@pytest.mark.parametrize("op", ["Sum", "Mean", "Max", "Min"])
def test_many_operands(op):
    # the sum of eight positive tensors is far beyond the range of their mean
    rng = np.random.default_rng(0)
    names = [f"x{i}" for i in range(8)]
    made = model([node(op, names)], dict.fromkeys(names, (3, 2)))
    check(made, [tuple(np.abs(grid(rng, (3, 2))) for _ in names) for _ in range(2)])


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0, 3.0, -1.0])
def test_power(exponent):
    rng = np.random.default_rng(0)
    made = model([node("Pow", ["x", "e"])], {"x": (3, 4)}, {"e": np.float32(exponent)})
    check(made, [(np.abs(grid(rng, (3, 4))) + 1,) for _ in range(2)])


def test_residual_connections_add_at_the_finer_scale():
    rng = np.random.default_rng(0)
    nodes = [
        node("MatMul", ["x", "w"], ["m"]),
        node("Relu", ["m"], ["r"]),
        node("Add", ["r", "x"], ["s"]),
        node("MatMul", ["s", "w"], ["t"]),
        node("Add", ["t", "m"]),
    ]
    check(model(nodes, {"x": (2, 6)}, {"w": grid(rng, (6, 6))}), samples(rng, (2, 6), count=4))


@pytest.mark.parametrize("factor", [1e-7, 1e-3, 1e2])
def test_scales_follow_the_weights(factor):
    rng = np.random.default_rng(0)
    made = model([node("MatMul", ["x", "w"])], {"x": (2, 8)}, {"w": grid(rng, (8, 4)) * factor})
    check(made, samples(rng, (2, 8)))


@pytest.mark.parametrize("factor", [1e-6, 3e-4, 12.5])
def test_scales_follow_a_single_factor(factor):
    rng = np.random.default_rng(0)
    made = model([node("Mul", ["x", "c"])], {"x": (2, 8)}, {"c": np.float32(factor)})
    check(made, samples(rng, (2, 8)))


def test_tiny_products_are_added_to_large_constants():
    rng = np.random.default_rng(0)
    nodes = [node("MatMul", ["x", "w"], ["m"]), node("Add", ["m", "b"])]
    constants = {"w": grid(rng, (8, 4)) * np.float32(1e-7), "b": np.float32(1000)}
    check(model(nodes, {"x": (2, 8)}, constants), samples(rng, (2, 8)))


def test_einsums_have_committed_operands_only():
    rng = np.random.default_rng(0)
    nodes = [
        node("MatMul", ["x", "w"], ["m"]),
        node("Transpose", ["m"], ["t"]),
        node("MatMul", ["m", "t"]),
    ]
    made = model(nodes, {"x": (3, 4)}, {"w": grid(rng, (4, 4))})
    graph = check(made, samples(rng, (3, 4)))
    kinds = [type(item.operation) for item in graph.nodes]
    # the first product is requantised once, before it goes two ways
    assert kinds.count(Einsum) == kinds.count(Requantise) == 2
