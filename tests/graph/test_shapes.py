"""Operators that move elements: the result is exact, not only near."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.graph.single import check, grid, model, node
from tests.needs import skip_without
from verifai.graph.integer import Maximum

skip_without("onnxruntime", "torch")


few = settings(max_examples=12, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)


def samples(rng, shape, count=2):
    return [(grid(rng, shape),) for _ in range(count)]


@few
@given(seeds, st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple), st.data())
def test_transpose_reshape_flatten(seed, shape, data):
    rng = np.random.default_rng(seed)
    order = data.draw(st.permutations(range(len(shape))))
    axis = data.draw(st.integers(-len(shape), len(shape)))
    nodes = [
        node("Transpose", ["x"], ["t"], perm=list(order)),
        node("Flatten", ["t"], ["f"], axis=axis),
        node("Reshape", ["f", "s"]),
    ]
    check(model(nodes, {"x": shape}, {"s": np.array([-1])}), samples(rng, shape))


def test_squeeze_and_unsqueeze():
    rng = np.random.default_rng(0)
    nodes = [
        node("Unsqueeze", ["x", "a"], ["u"]),
        node("Squeeze", ["u", "b"], ["s"]),
        node("Squeeze", ["s"]),
    ]
    constants = {"a": np.array([0, -1]), "b": np.array([2])}
    check(model(nodes, {"x": (3, 1, 2)}, constants), samples(rng, (3, 1, 2)))


@few
@given(
    seeds,
    st.integers(-9, 9),
    st.integers(-9, 9),
    st.sampled_from([-3, -2, -1, 1, 2, 3]),
    st.integers(-3, 2),
)
def test_slice(seed, start, end, step, axis):
    rng = np.random.default_rng(seed)
    shape = (4, 5, 6)
    if not len(range(*slice(start, end, step).indices(shape[axis]))):
        end = 99 if step > 0 else -99
        start = 0 if step > 0 else -1
    constants = {
        name: np.array([value])
        for name, value in (("s", start), ("e", end), ("a", axis), ("t", step))
    }
    check(model([node("Slice", ["x", *constants])], {"x": shape}, constants), samples(rng, shape))


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge", "wrap"])
@pytest.mark.parametrize("pads", [[0, 1, 2, 0], [1, 1, 1, 1], [0, -1, 0, 2]])
def test_pad(mode, pads):
    rng = np.random.default_rng(0)
    constants = {"p": np.array(pads), "v": np.float32(1.5)}
    made = model([node("Pad", ["x", "p", "v"], mode=mode)], {"x": (3, 4)}, constants, opset=19)
    check(made, samples(rng, (3, 4)))


@few
@given(seeds, st.integers(0, 2), st.lists(st.integers(1, 3), min_size=2, max_size=3))
def test_concat_of_different_scales_and_split(seed, axis, lengths):
    rng = np.random.default_rng(seed)
    names = [f"x{i}" for i in range(len(lengths))]
    shapes = {
        n: tuple(d if a == axis else 2 for a in range(3))
        for n, d in zip(names, lengths, strict=True)
    }
    outputs = [f"y{i}" for i in range(len(lengths))]
    nodes = [
        node("Concat", names, ["c"], axis=axis),
        node("Split", ["c", "l"], outputs, axis=axis),
    ]
    made = model(nodes, shapes, {"l": np.array(lengths)}, outputs)
    check(made, [tuple(grid(rng, s, 2.0**i) for i, s in enumerate(shapes.values()))])


def test_parts_without_elements_vanish():
    rng = np.random.default_rng(0)
    nodes = [
        node("Split", ["x", "l"], ["a", "b"], axis=1),
        node("Concat", ["b", "a"], axis=1),
    ]
    check(model(nodes, {"x": (2, 3)}, {"l": np.array([3, 0])}), samples(rng, (2, 3)))


def test_expand_tile_gather():
    rng = np.random.default_rng(0)
    nodes = [
        node("Expand", ["x", "e"], ["a"]),
        node("Tile", ["a", "t"], ["b"]),
        node("Gather", ["b", "i"], ["c"], axis=1),
        node("Gather", ["c", "j"], axis=0),
    ]
    constants = {
        "e": np.array([2, 3, 4]),
        "t": np.array([1, 2, 1]),
        "i": np.array([[0, -1], [5, 2]]),
        "j": np.array(1),
    }
    check(model(nodes, {"x": (3, 1)}, constants), samples(rng, (3, 1)))


@pytest.mark.parametrize("op", ["DepthToSpace", "SpaceToDepth"])
def test_blocks(op):
    rng = np.random.default_rng(0)
    check(model([node(op, blocksize=2)], {"x": (1, 8, 4, 2)}), samples(rng, (1, 8, 4, 2)))


def test_identity_dropout_cast():
    rng = np.random.default_rng(0)
    nodes = [
        node("Identity", ["x"], ["a"]),
        node("Dropout", ["a"], ["b"]),
        node("Cast", ["b"], ["c"], to=11),
        node("Cast", ["c"], to=1),
    ]
    graph = check(model(nodes, {"x": (3, 2)}), samples(rng, (3, 2)))
    assert graph.outputs == graph.inputs


@few
@given(
    seeds,
    st.sampled_from(["MaxPool", "AveragePool"]),
    st.integers(1, 2),
    st.integers(1, 4),
    st.integers(1, 3),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["NOTSET", "SAME_UPPER", "SAME_LOWER"]),
)
def test_pooling(seed, op, rank, kernel, stride, padded, ceil, auto_pad):
    rng = np.random.default_rng(seed)
    shape = (1, 2, *(int(n) for n in rng.integers(6, 9, rank)))
    attributes = {"auto_pad": auto_pad}
    if auto_pad == "NOTSET":
        attributes["pads"] = [kernel // 2 if padded else 0] * rank + [0] * rank
        attributes["ceil_mode"] = ceil
    if op == "AveragePool":
        attributes["count_include_pad"] = bool(seed % 2)
    pool = node(op, kernel_shape=[kernel] * rank, strides=[stride] * rank, **attributes)
    # values below zero only: a padding that read zero would be seen
    check(model([pool], {"x": shape}), [(-np.abs(grid(rng, shape)) - 1,), (grid(rng, shape),)])


@pytest.mark.parametrize("op", ["GlobalMaxPool", "GlobalAveragePool"])
@pytest.mark.parametrize("shape", [(1, 2, 5), (2, 3, 4, 3)])
def test_global_pooling(op, shape):
    check(model([node(op)], {"x": shape}), samples(np.random.default_rng(0), shape))


def test_a_pooling_takes_the_relu_over():
    rng = np.random.default_rng(0)
    nodes = [
        node("Relu", ["x"], ["r"]),
        node("MaxPool", ["r"], kernel_shape=[2, 2], strides=[2, 2]),
    ]
    graph = check(model(nodes, {"x": (1, 3, 6, 4)}), samples(rng, (1, 3, 6, 4)))
    maxima = [n.operation for n in graph.nodes if isinstance(n.operation, Maximum)]
    assert [(len(m.axes), m.floor) for m in maxima] == [(2, 0)]


@few
@given(
    seeds,
    st.sampled_from(
        ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceSumSquare"]
    ),
    st.sets(st.integers(0, 2), min_size=1),
    st.booleans(),
)
def test_reductions(seed, op, axes, keep):
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(1, 7, 3))
    made = model([node(op, ["x", "a"], keepdims=keep)], {"x": shape}, {"a": np.array(sorted(axes))})
    check(made, samples(rng, shape))


def test_long_sums_of_squares_keep_their_precision():
    rng = np.random.default_rng(0)
    made = model([node("ReduceSumSquare", keepdims=0)], {"x": (4000,)})
    check(made, [(grid(rng, (4000,), 0.25),)])
