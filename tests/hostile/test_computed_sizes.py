"""ONNX models that are small as files and ask for the world when they are compiled."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import verifai
from tests.hostile.route import refusal
from tests.needs import skip_without
from tests.onnx_parts import array, node, value
from verifai.errors import InputError, LimitError, UnsupportedError

skip_without("onnx", "onnxscript")

IMAGE = (1, 1, 4, 4)


def integers(name: str, *values: int) -> Any:
    return array(values, name, np.int64)


def model(
    nodes: list[Any], *weights: Any, shape: Any = (1, 4), out: Any = None, opset: int = 18
) -> bytes:
    from onnx import helper

    graph = helper.make_graph(
        nodes,
        "g",
        [value("x", shape)],
        [value("y", out or shape)],
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


def kernel() -> Any:
    return array(np.ones((1, 1, 2, 2)), "w")


def add() -> Any:
    return node("Add", ["x", "t"], ["y"])


MODELS: dict[str, tuple[Callable[[], bytes], Any]] = {
    "tiles": (
        lambda: summed([node("Tile", ["x", "n"], ["t"])], integers("n", 1 << 14, 1 << 14)),
        LimitError,
    ),
    "a broadcast": (
        lambda: summed([node("Expand", ["x", "n"], ["t"])], integers("n", 1 << 30, 4)),
        LimitError,
    ),
    "a constant of 2^36": (
        lambda: model(
            [node("ConstantOfShape", ["n"], ["c"]), node("ReduceSum", ["c"], ["t"]), add()],
            integers("n", 1 << 36),
        ),
        LimitError,
    ),
    "a constant of 2^31": (
        lambda: model(
            [node("ConstantOfShape", ["n"], ["c"]), node("ReduceSum", ["c"], ["t"]), add()],
            integers("n", 1 << 31),
        ),
        LimitError,
    ),
    "a constant of -5": (
        lambda: model(
            [node("ConstantOfShape", ["n"], ["c"]), node("ReduceSum", ["c"], ["t"]), add()],
            integers("n", -5),
        ),
        UnsupportedError,
    ),
    "a range to 10^12": (
        lambda: model(
            [node("Range", ["a", "b", "c"], ["r"]), node("ReduceSum", ["r"], ["t"]), add()],
            array(0, "a"),
            array(1e12, "b"),
            array(1, "c"),
        ),
        LimitError,
    ),
    "a range in steps of 0": (
        lambda: model(
            [node("Range", ["a", "b", "c"], ["r"]), node("ReduceSum", ["r"], ["t"]), add()],
            array(0, "a"),
            array(1, "b"),
            array(0, "c"),
        ),
        UnsupportedError,
    ),
    "padding": (
        lambda: summed([node("Pad", ["x", "n"], ["t"])], integers("n", 0, 0, 1 << 40, 0)),
        LimitError,
    ),
    "padding below zero": (
        lambda: model([node("Pad", ["x", "n"], ["y"])], integers("n", 0, -100, 0, 0)),
        UnsupportedError,
    ),
    "padding of a convolution": (
        lambda: summed(
            [node("Conv", ["x", "w"], ["t"], pads=[1 << 40, 0, 0, 0])],
            kernel(),
            rank=4,
            shape=IMAGE,
        ),
        LimitError,
    ),
    "strides of 0": (
        lambda: model(
            [node("Conv", ["x", "w"], ["y"], strides=[0, 0])],
            kernel(),
            shape=IMAGE,
            out=(1, 1, 3, 3),
        ),
        UnsupportedError,
    ),
    "dilations of 2^40": (
        lambda: model(
            [node("Conv", ["x", "w"], ["y"], dilations=[1 << 40] * 2)],
            kernel(),
            shape=IMAGE,
            out=(1, 1, 3, 3),
        ),
        UnsupportedError,
    ),
    "no groups": (
        lambda: model(
            [node("Conv", ["x", "w"], ["y"], group=0)], kernel(), shape=IMAGE, out=(1, 1, 3, 3)
        ),
        UnsupportedError,
    ),
    "a window of 0": (
        lambda: model([node("MaxPool", ["x"], ["y"], kernel_shape=[0, 0])], shape=IMAGE),
        UnsupportedError,
    ),
    "a window of 2^80": (
        lambda: model([node("AveragePool", ["x"], ["y"], kernel_shape=[1 << 40] * 2)], shape=IMAGE),
        UnsupportedError,
    ),
    "neighbours by 2^40": (
        lambda: model([node("LRN", ["x"], ["y"], size=1 << 40)], shape=IMAGE),
        LimitError,
    ),
    "a resize by 10^12": (
        lambda: summed(
            [node("Resize", ["x", "", "s"], ["t"], mode="nearest")],
            array([1, 1, 1e6, 1e6], "s"),
            rank=4,
            shape=IMAGE,
        ),
        LimitError,
    ),
    "a resize by infinity": (
        lambda: model(
            [node("Resize", ["x", "", "s"], ["y"], mode="linear")],
            array([1, 1, np.inf, 1], "s"),
            shape=IMAGE,
        ),
        UnsupportedError,
    ),
    "one hot of 2^40": (
        lambda: summed(
            [node("Cast", ["x"], ["i"], to=7), node("OneHot", ["i", "n", "v"], ["t"])],
            integers("n", 1 << 40),
            array([0, 1], "v"),
            rank=3,
        ),
        LimitError,
    ),
    "doubled 40 times": (lambda: summed(doubled(40)), LimitError),
    "an outer product": (
        lambda: summed(
            [node("Transpose", ["x"], ["r"], perm=[1, 0]), node("MatMul", ["r", "x"], ["t"])],
            shape=(1, 1 << 17),
        ),
        LimitError,
    ),
    "a shape of 2^64 elements": (
        lambda: model([node("Reshape", ["x", "n"], ["y"])], integers("n", 1 << 62, 4)),
        UnsupportedError,
    ),
    "two unknown axes": (
        lambda: model([node("Reshape", ["x", "n"], ["y"])], integers("n", -1, -1)),
        UnsupportedError,
    ),
    "an index of 2^40": (
        lambda: model([node("Gather", ["x", "n"], ["y"], axis=1)], integers("n", 1 << 40)),
        UnsupportedError,
    ),
    "axis 77": (
        lambda: model([node("Gather", ["x", "n"], ["y"], axis=77)], integers("n", 0)),
        UnsupportedError,
    ),
    "a slice in steps of 0": (
        lambda: model(
            [node("Slice", ["x", "a", "b", "c", "d"], ["y"])],
            integers("a", 0),
            integers("b", 4),
            integers("c", 1),
            integers("d", 0),
        ),
        UnsupportedError,
    ),
    "the largest 2^40": (
        lambda: model([node("TopK", ["x", "n"], ["y", "i"])], integers("n", 1 << 40)),
        UnsupportedError,
    ),
    "an equation of 1000 letters": (
        lambda: model([node("Einsum", ["x", "x"], ["y"], equation="ab,cd->abcd" + "e" * 1000)]),
        UnsupportedError,
    ),
    "a division by 0": (lambda: model([node("Div", ["x", "z"], ["y"])], array(0, "z")), InputError),
    "a negative variance": (
        lambda: model(
            [node("BatchNormalization", ["x", "s", "s", "s", "v"], ["y"])],
            array([1], "s"),
            array([-1], "v"),
            shape=IMAGE,
        ),
        InputError,
    ),
    "NaN in a constant": (
        lambda: model([node("Constant", [], ["t"], value_floats=[float("nan")] * 4), add()]),
        InputError,
    ),
    "infinity in a constant": (
        lambda: model(
            [
                node(
                    "ConstantOfShape",
                    ["n"],
                    ["t"],
                    value=array([np.inf]),
                ),
                add(),
            ],
            integers("n", 4),
        ),
        UnsupportedError,
    ),
    "random values": (lambda: model([node("RandomNormalLike", ["x"], ["y"])]), UnsupportedError),
}


@pytest.mark.parametrize("name", MODELS)
def test_small_files_of_huge_tensors(name: str) -> None:
    made, wanted = MODELS[name]
    data = made()

    def compiled() -> object:
        loaded = verifai.load(data)
        samples = np.random.default_rng(0).random((4, *loaded.inputs[0].shape), np.float32)
        return verifai.compile(loaded, samples)

    assert type(refusal(compiled)) is wanted
