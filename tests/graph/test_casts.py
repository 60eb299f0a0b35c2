"""Casts between floats, integers and booleans are exact, or refused with the reason."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from tests.graph.single import check, model, node
from tests.needs import skip_without
from verifai.errors import InputError, UnsupportedError

skip_without("onnx", "onnxruntime", "torch")

#: Element types. Values are exact in all of them.
TYPES = ("BOOL", "INT32", "INT64", "FLOAT", "FLOAT16", "DOUBLE")
WHOLE = np.array([-3, -2, -1, 0, 1, 2, 3], dtype=np.float32)
ZERO, HALF = {"zero": np.float32(0)}, {"half": np.float32(0.5)}


def cast(x: str, y: str, kind: str) -> Any:
    import onnx

    return node("Cast", [x], [y], to=onnx.TensorProto.DataType.Value(kind))


@pytest.mark.parametrize(("first", "second"), [*product(TYPES, TYPES)])
def test_every_pair(first: str, second: str) -> None:
    """float -> first -> second -> float."""
    nodes = [cast("x", "a", first), cast("a", "b", second), cast("b", "c", "FLOAT")]
    made = model([*nodes, node("Add", ["x", "c"])], {"x": WHOLE.shape})
    check(made, [(WHOLE,)])


@pytest.mark.parametrize("kind", TYPES)
def test_of_comparisons(kind: str) -> None:
    """A mask counts, selects and weighs, whatever type it is cast to."""
    number = kind if kind != "BOOL" else "INT32"
    nodes = [
        node("Greater", ["x", "zero"], ["m"]),
        cast("m", "first", kind),
        cast("first", "i", number),
        node("ReduceSum", ["i"], ["count"]),
        node("Add", ["i", "count"], ["sum"]),
        node("Mul", ["sum", "i"], ["product"]),
        cast("product", "f", "FLOAT"),
        cast("i", "again", "BOOL"),
        node("Where", ["again", "x", "f"], ["chosen"]),
        node("Add", ["chosen", "f"]),
    ]
    check(model(nodes, {"x": WHOLE.shape}, ZERO), [(WHOLE,), (-WHOLE,)])


def test_a_float_loses_its_fraction() -> None:
    values = np.array([-2.75, -1.5, -0.5, -0.25, 0, 0.25, 0.5, 1.5, 2.75], np.float32)
    check(
        model([cast("x", "i", "INT64"), cast("i", "y", "FLOAT")], {"x": values.shape}), [(values,)]
    )
    large = np.array([-40000, -3, 5, 30000], np.float32)  # a scale below zero: integers already
    nodes = [node("Mul", ["x", "k"], ["m"]), cast("m", "i", "INT64"), cast("i", "f", "FLOAT")]
    nodes += [node("Div", ["f", "k"])]
    check(model(nodes, {"x": (4,)}, {"k": np.float32(10)}), [(large / 1024,)])


def test_like() -> None:
    """CastLike is a Cast to the type of its second input."""
    values = np.array([-1.5, 0.25, 2.5], np.float32)
    for like in (np.int64(0), np.float32(0), np.bool_(False)):
        nodes = [node("CastLike", ["x", "like"], ["i"]), cast("i", "y", "FLOAT")]
        check(model(nodes, {"x": (3,)}, {"like": like}, opset=19), [(values,)])


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        (lambda: [cast("x", "i", "INT8"), cast("i", "y", "FLOAT")], "int8 does not hold"),  # 300
        (lambda: [cast("x", "i", "UINT8"), cast("i", "y", "FLOAT")], "uint8 does not hold"),  # -3
        (lambda: [cast("x", "i", "FLOAT8E4M3FN"), cast("i", "y", "FLOAT")], "a cast to float8"),
    ],
)
def test_what_would_not_be_exact_is_refused(nodes: Callable[[], list[Any]], reason: str) -> None:
    made = model(nodes(), {"x": (3,)}, {"two": np.array(2)}, opset=19)
    with pytest.raises(UnsupportedError, match=reason):
        check(made, [(np.array([-3, 7, 300], np.float32),)])


def test_integers_do_not_wrap_around() -> None:
    nodes = [
        node("Greater", ["x", "half"], ["m"]),
        cast("m", "i", "UINT8"),
        node("Sub", ["i", "one"], ["d"]),  # 255 where the mask is 0
        cast("d", "y", "FLOAT"),
    ]
    made = model(nodes, {"x": (3,)}, {**HALF, "one": np.uint8(1)})
    with pytest.raises(InputError, match=r"Node 'Sub' overflows .* allowed 0 to 255"):
        check(made, [(np.array([0, 1, 2], np.float32),)])
