"""ONNX models that are small as files and ask for the world when they are compiled."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import verifai
from tests.hostile.route import refusal
from verifai.errors import InputError, LimitError, UnsupportedError

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

node = helper.make_node
IMAGE = (1, 1, 4, 4)


def integers(name: str, *values: int) -> Any:
    return numpy_helper.from_array(np.array(values, np.int64), name)


def scalar(name: str, value: float) -> Any:
    return numpy_helper.from_array(np.array(value, np.float32), name)


def model(
    nodes: list[Any], *weights: Any, shape: Any = (1, 4), out: Any = None, opset: int = 18
) -> bytes:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, out or shape)],
        weights,
    )
    opsets = [helper.make_opsetid("", opset)]
    return bytes(helper.make_model(graph, opset_imports=opsets).SerializeToString())


def summed(nodes: list[Any], *weights: Any, rank: int = 2, **fields: Any) -> bytes:
    """The sum of the tensor ``t`` that the nodes make."""
    total = node("ReduceSum", ["t"], ["y"], keepdims=1)
    return model([*nodes, total], *weights, out=(1,) * rank, **fields)


def doubled(times: int) -> list[Any]:
    names = ["x", *(f"d{i}" for i in range(times - 1)), "t"]
    return [node("Concat", [a, a], [b], axis=1) for a, b in pairwise(names)]


KERNEL = numpy_helper.from_array(np.ones((1, 1, 2, 2), np.float32), "w")
ADD = node("Add", ["x", "t"], ["y"])

MODELS: dict[str, tuple[bytes, Any]] = {
    "tiles": (
        summed([node("Tile", ["x", "n"], ["t"])], integers("n", 1 << 14, 1 << 14)),
        LimitError,
    ),
    "a broadcast": (
        summed([node("Expand", ["x", "n"], ["t"])], integers("n", 1 << 30, 4)),
        LimitError,
    ),
    "a constant of 2^36": (
        model(
            [node("ConstantOfShape", ["n"], ["c"]), node("ReduceSum", ["c"], ["t"]), ADD],
            integers("n", 1 << 36),
        ),
        LimitError,
    ),
    "a constant of 2^31": (
        model(
            [node("ConstantOfShape", ["n"], ["c"]), node("ReduceSum", ["c"], ["t"]), ADD],
            integers("n", 1 << 31),
        ),
        LimitError,
    ),
    "a constant of -5": (
        model(
            [node("ConstantOfShape", ["n"], ["c"]), node("ReduceSum", ["c"], ["t"]), ADD],
            integers("n", -5),
        ),
        UnsupportedError,
    ),
    "a range to 10^12": (
        model(
            [node("Range", ["a", "b", "c"], ["r"]), node("ReduceSum", ["r"], ["t"]), ADD],
            scalar("a", 0),
            scalar("b", 1e12),
            scalar("c", 1),
        ),
        LimitError,
    ),
    "a range in steps of 0": (
        model(
            [node("Range", ["a", "b", "c"], ["r"]), node("ReduceSum", ["r"], ["t"]), ADD],
            scalar("a", 0),
            scalar("b", 1),
            scalar("c", 0),
        ),
        UnsupportedError,
    ),
    "padding": (
        summed([node("Pad", ["x", "n"], ["t"])], integers("n", 0, 0, 1 << 40, 0)),
        LimitError,
    ),
    "padding below zero": (
        model([node("Pad", ["x", "n"], ["y"])], integers("n", 0, -100, 0, 0)),
        UnsupportedError,
    ),
    "padding of a convolution": (
        summed(
            [node("Conv", ["x", "w"], ["t"], pads=[1 << 40, 0, 0, 0])], KERNEL, rank=4, shape=IMAGE
        ),
        LimitError,
    ),
    "strides of 0": (
        model(
            [node("Conv", ["x", "w"], ["y"], strides=[0, 0])], KERNEL, shape=IMAGE, out=(1, 1, 3, 3)
        ),
        UnsupportedError,
    ),
    "dilations of 2^40": (
        model(
            [node("Conv", ["x", "w"], ["y"], dilations=[1 << 40] * 2)],
            KERNEL,
            shape=IMAGE,
            out=(1, 1, 3, 3),
        ),
        UnsupportedError,
    ),
    "no groups": (
        model([node("Conv", ["x", "w"], ["y"], group=0)], KERNEL, shape=IMAGE, out=(1, 1, 3, 3)),
        UnsupportedError,
    ),
    "a window of 0": (
        model([node("MaxPool", ["x"], ["y"], kernel_shape=[0, 0])], shape=IMAGE),
        UnsupportedError,
    ),
    "a window of 2^80": (
        model([node("AveragePool", ["x"], ["y"], kernel_shape=[1 << 40] * 2)], shape=IMAGE),
        UnsupportedError,
    ),
    "neighbours by 2^40": (
        model([node("LRN", ["x"], ["y"], size=1 << 40)], shape=IMAGE),
        LimitError,
    ),
    "a resize by 10^12": (
        summed(
            [node("Resize", ["x", "", "s"], ["t"], mode="nearest")],
            numpy_helper.from_array(np.array([1, 1, 1e6, 1e6], np.float32), "s"),
            rank=4,
            shape=IMAGE,
        ),
        LimitError,
    ),
    "a resize by infinity": (
        model(
            [node("Resize", ["x", "", "s"], ["y"], mode="linear")],
            numpy_helper.from_array(np.array([1, 1, np.inf, 1], np.float32), "s"),
            shape=IMAGE,
        ),
        UnsupportedError,
    ),
    "one hot of 2^40": (
        summed(
            [node("Cast", ["x"], ["i"], to=7), node("OneHot", ["i", "n", "v"], ["t"])],
            integers("n", 1 << 40),
            numpy_helper.from_array(np.array([0, 1], np.float32), "v"),
            rank=3,
        ),
        LimitError,
    ),
    "doubled 40 times": (summed(doubled(40)), LimitError),
    "an outer product": (
        summed(
            [node("Transpose", ["x"], ["r"], perm=[1, 0]), node("MatMul", ["r", "x"], ["t"])],
            shape=(1, 1 << 17),
        ),
        LimitError,
    ),
    "a shape of 2^64 elements": (
        model([node("Reshape", ["x", "n"], ["y"])], integers("n", 1 << 62, 4)),
        UnsupportedError,
    ),
    "two unknown axes": (
        model([node("Reshape", ["x", "n"], ["y"])], integers("n", -1, -1)),
        UnsupportedError,
    ),
    "an index of 2^40": (
        model([node("Gather", ["x", "n"], ["y"], axis=1)], integers("n", 1 << 40)),
        UnsupportedError,
    ),
    "axis 77": (
        model([node("Gather", ["x", "n"], ["y"], axis=77)], integers("n", 0)),
        UnsupportedError,
    ),
    "a slice in steps of 0": (
        model(
            [node("Slice", ["x", "a", "b", "c", "d"], ["y"])],
            integers("a", 0),
            integers("b", 4),
            integers("c", 1),
            integers("d", 0),
        ),
        UnsupportedError,
    ),
    "the largest 2^40": (
        model([node("TopK", ["x", "n"], ["y", "i"])], integers("n", 1 << 40)),
        UnsupportedError,
    ),
    "an equation of 1000 letters": (
        model([node("Einsum", ["x", "x"], ["y"], equation="ab,cd->abcd" + "e" * 1000)]),
        UnsupportedError,
    ),
    "a division by 0": (model([node("Div", ["x", "z"], ["y"])], scalar("z", 0)), InputError),
    "a negative variance": (
        model(
            [node("BatchNormalization", ["x", "s", "s", "s", "v"], ["y"])],
            numpy_helper.from_array(np.ones(1, np.float32), "s"),
            numpy_helper.from_array(-np.ones(1, np.float32), "v"),
            shape=IMAGE,
        ),
        InputError,
    ),
    "NaN in a constant": (
        model([node("Constant", [], ["t"], value_floats=[float("nan")] * 4), ADD]),
        InputError,
    ),
    "infinity in a constant": (
        model(
            [
                node(
                    "ConstantOfShape",
                    ["n"],
                    ["t"],
                    value=numpy_helper.from_array(np.array([np.inf], np.float32)),
                ),
                ADD,
            ],
            integers("n", 4),
        ),
        UnsupportedError,
    ),
    "random values": (model([node("RandomNormalLike", ["x"], ["y"])]), UnsupportedError),
}


@pytest.mark.parametrize("name", MODELS)
def test_small_files_of_huge_tensors(name: str) -> None:
    data, wanted = MODELS[name]

    def compiled() -> object:
        loaded = verifai.load(data)
        samples = np.random.default_rng(0).random((4, *loaded.inputs[0].shape), np.float32)
        return verifai.compile(loaded, samples)

    assert type(refusal(compiled)) is wanted
