"""What the reader of ONNX files tolerates, in the hands of a stranger: each is bounded."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import verifai
from tests.needs import skip_without
from tests.onnx_parts import array, node, value
from verifai.errors import LimitError, MalformedError, UnsupportedError, UsageError, VerifaiError
from verifai.model.shapes import Lengths

skip_without("onnx")


def proto(
    nodes: list[Any] | None = None,
    shape: Any = ("N", 2),
    out: Any = ("N", 2),
    weights: Any = (),
    functions: Any = (),
) -> Any:
    from onnx import helper

    graph = helper.make_graph(
        nodes or [node("Neg", ["x"], ["y"])],
        "g",
        [value("x", shape)],
        [value("y", out)],
        list(weights),
    )
    sets = [helper.make_opsetid("", 18), helper.make_opsetid("local", 1)]
    made = helper.make_model(graph, opset_imports=sets)
    made.functions.extend(functions)
    return made


def function(name: str, nodes: list[Any], domain: str = "local") -> Any:
    from onnx import helper

    sets = [helper.make_opsetid("", 18), helper.make_opsetid("local", 1)]
    return helper.make_function(domain, name, ["a"], ["b"], nodes, sets)


def call(name: str, source: str = "x", target: str = "y") -> Any:
    return node(name, [source], [target], domain="local")


def laughs(levels: int) -> list[Any]:
    """Functions that call the next one twice: 2^levels nodes in the end."""
    made = [
        function(f"f{i}", [call(f"f{i + 1}", "a", "c"), call(f"f{i + 1}", "c", "b")])
        for i in range(levels)
    ]
    return [*made, function(f"f{levels}", [node("Neg", ["a"], ["b"])])]


def chain(levels: int) -> list[Any]:
    made = [function(f"f{i}", [call(f"f{i + 1}", "a", "b")]) for i in range(levels)]
    return [*made, function(f"f{levels}", [node("Neg", ["a"], ["b"])])]


def hidden_call() -> list[Any]:
    """A function that calls itself inside a branch."""
    from onnx import helper

    branch = helper.make_graph([call("f0", "a", "i")], "b", [], [value("i", None)])
    nodes = [
        node("Constant", [], ["c"], value=array(True, kind=bool)),
        node("If", ["c"], ["b"], then_branch=branch, else_branch=branch),
    ]
    return [function("f0", nodes)]


def heavy_constant() -> Any:
    """A constant of 1 MB, 512 times."""
    data = array(np.zeros(1 << 18))
    inner = function(
        "g",
        [
            node("Constant", [], ["c"], value=data),
            node("ReduceSum", ["c"], ["s"]),
            node("Add", ["a", "s"], ["b"]),
        ],
    )
    names = ["x", *(f"t{i}" for i in range(511)), "y"]
    calls = [call("g", names[i], names[i + 1]) for i in range(512)]
    return proto(calls, functions=[inner])


def sparse(shape: tuple[int, ...], indices: Any, values: Any = (1.0,), times: int = 1) -> Any:
    from onnx import helper

    made = proto([node("Add", ["x", "w0"], ["y"])])
    for number in range(times):
        tensor = helper.make_sparse_tensor(
            array(values, f"w{number}"),
            array(indices, "i", np.int64),
            shape,
        )
        made.graph.sparse_initializer.append(tensor)
    return made


HOSTILE: dict[str, tuple[Callable[[], Any], type[VerifaiError], str]] = {
    "2^40 nodes": (lambda: proto([call("f0")], functions=laughs(40)), LimitError, "MAX_NODES"),
    "deep calls": (lambda: proto([call("f0")], functions=chain(999)), LimitError, "MAX_CALL_DEPTH"),
    "a function that calls itself": (
        lambda: proto([call("f0")], functions=[function("f0", [call("f0", "a", "b")])]),
        MalformedError,
        "'f0' calls itself",
    ),
    "one that calls itself in a branch": (
        lambda: proto([call("f0")], functions=hidden_call()),
        MalformedError,
        "'f0' calls itself",
    ),
    "two of one name": (
        lambda: proto([call("f0")], functions=chain(0) * 2),
        MalformedError,
        "function twice",
    ),
    "one that stands for an operator": (
        lambda: proto(functions=[function("Neg", [node("Abs", ["a"], ["b"])], domain="")]),
        MalformedError,
        "stands for an operator",
    ),
    "a constant many times": (heavy_constant, LimitError, "MAX_INLINED_BYTES"),
    "a function that reads what nobody writes": (
        lambda: proto([call("f0")], functions=[function("f0", [node("Add", ["a", "z"], ["b"])])]),
        MalformedError,
        "dangling",
    ),
    "a function with external data": (
        lambda: proto([call("f0")], functions=[external()]),
        UnsupportedError,
        "came as bytes",
    ),
    "a large sparse weight": (
        lambda: sparse((1 << 20, 1 << 20), [5]),
        LimitError,
        "MAX_TENSOR_ELEMENTS",
    ),
    "many sparse weights": (
        lambda: sparse((1 << 22, 4), [5], times=9),
        LimitError,
        "MAX_DENSE_ELEMENTS",
    ),
    "a sparse index outside": (lambda: sparse((1, 2), [2]), MalformedError, "outside"),
    "a sparse index below": (lambda: sparse((1, 2), [-1]), MalformedError, "outside"),
    "a sparse index outside its axis": (
        lambda: sparse((2, 2), [[0, 3]]),
        MalformedError,
        "outside",
    ),
    "sparse indices twice": (
        lambda: sparse((1, 2), [1, 1], (1.0, 2.0)),
        MalformedError,
        "out of order",
    ),
    "fewer sparse indices": (
        lambda: sparse((1, 2), [1], (1.0, 2.0)),
        MalformedError,
        "do not belong",
    ),
    "sparse NaN": (lambda: sparse((1, 2), [1], (np.nan,)), MalformedError, "NaN"),
    "a symbol of 5,000 characters": (lambda: proto(shape=("N", "s" * 5000)), LimitError, "LENGTH"),
    "40 open axes": (lambda: proto(shape=(None,) * 40), LimitError, "MAX_RANK"),
    "an open axis beside a huge one": (
        lambda: proto(shape=("N", 1 << 40)),
        LimitError,
        "MAX_TENSOR_ELEMENTS",
    ),
    "an output that no machine holds": (
        lambda: proto(
            [node("Expand", ["x", "n"], ["y"])],
            out=None,
            weights=[array([1 << 30, 2], "n", np.int64)],
        ),
        LimitError,
        "MAX_COMPUTED_ELEMENTS",
    ),
    "an output that is no tensor": (
        lambda: proto([node("SequenceConstruct", ["x"], ["y"])]),
        UnsupportedError,
        "no tensor|cannot run",
    ),
}


def test_notes_of_tools_that_are_no_text_do_not_matter() -> None:
    made = proto()
    made.producer_name, made.graph.doc_string, made.graph.name = "tool1", "text1", "graph1"
    made.functions.extend(chain(1))
    data = made.SerializeToString()
    for word in (b"tool1", b"text1", b"graph1"):
        data = data.replace(word, word[:-1] + b"\xff")
    assert verifai.load(data).digest == verifai.load(proto().SerializeToString()).digest


def external() -> Any:
    from onnx import TensorProto

    tensor = array(np.ones(2), "w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret.bin")
    tensor.external_data.add(key="length", value="8")
    return function(
        "f0", [node("Constant", [], ["c"], value=tensor), node("Add", ["a", "c"], ["b"])]
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_each_is_refused_with_the_reason_and_soon(name: str) -> None:
    make, error, words = HOSTILE[name]
    data = make().SerializeToString()
    started = time.process_time()
    with pytest.raises(error, match=words):
        verifai.load(data)
    assert time.process_time() - started < 5


def test_external_data_of_functions_stay_in_the_folder(tmp_path: Path) -> None:
    inside = tmp_path / "model"
    inside.mkdir()
    (tmp_path / "secret.bin").write_bytes(b"\0" * 8)
    (inside / "secret.bin").write_bytes(np.array([3, 4], np.float32).tobytes())
    path = inside / "model.onnx"
    made = proto([call("f0")], functions=[external()])
    path.write_bytes(made.SerializeToString())
    with pytest.raises(MalformedError, match="outside the model's folder"):
        verifai.load(path)
    entry = made.functions[0].node[0].attribute[0].t.external_data[0]
    entry.value = "secret.bin"
    path.write_bytes(made.SerializeToString())
    assert np.array_equal(verifai.load(path).run(np.zeros((1, 2)))[0], [[3, 4]])


@pytest.mark.parametrize(
    ("shapes", "error"),
    [
        ({"x": (1 << 20, 1 << 20)}, LimitError),
        ({"x": (1,) * 500}, LimitError),
        ({"N": 1 << 40}, LimitError),
        ({"N": 10**5000}, LimitError),
        ({"N": -(10**5000)}, UsageError),
        ({"N" * 10**6: 2}, UsageError),
        ({f"s{i}": 1 for i in range(10_000)}, UsageError),
    ],
)
def test_absurd_shapes_are_refused_in_few_words(shapes: Any, error: type[VerifaiError]) -> None:
    data = proto(shape=("N", "M")).SerializeToString()
    with pytest.raises(error) as caught:
        verifai.load(data, shapes=shapes)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "axis",
    [
        "9**9**9**9",
        "s*s*s*s*s*s*s*s*s*s*s*s*s",
        "(" * 39 + "s" + ")" * 39,
        "-" * 70 + "s",
        "__import__('os').system('true')",
        "s.__class__",
        "s if s else s",
        "[s for s in s]",
        "lambda: s",
        "f(s)",
        "s // 0",
        "s\0",
        "1 + 1",
        "$(touch /tmp/canary)",
        "\u202es",
    ],
)
def test_symbols_are_names_or_small_sums_and_nothing_is_run(axis: str) -> None:
    """One that is no sum is a name like any other: it is asked for, and can be given."""
    data = proto(shape=("N", axis)).SerializeToString()
    with pytest.raises(UnsupportedError, match="leaves lengths open") as caught:
        verifai.load(data)
    for name in caught.value.details["shapes"]:
        lengths = Lengths({"x": ["N", axis]})
        lengths.give(name, 1 << 30)
    try:
        verifai.load(data, shapes=dict.fromkeys(caught.value.details["shapes"], 2))
    except (UsageError, LimitError):
        assert axis in ("s // 0", "s*s*s*s*s*s*s*s*s*s*s*s*s", "1 + 1")


def test_many_open_symbols_are_asked_for_in_a_message_that_can_be_read() -> None:
    made = proto()
    for number in range(300):
        info = value(f"in{number}", ["N", f"s{number}"])
        made.graph.input.append(info)
    with pytest.raises(UnsupportedError, match="and 280 more") as caught:
        verifai.load(made.SerializeToString())
    assert len(caught.value.details["shapes"]) == 300


def test_damage_gives_our_errors_and_no_others() -> None:
    """Files with symbols, functions and sparse weights, with random flips and cuts."""
    made = proto([call("f0", "x", "t"), node("Add", ["t", "w0"], ["y"])], functions=laughs(2))
    made.graph.sparse_initializer.extend(sparse((1, 2), [1]).graph.sparse_initializer)
    good = made.SerializeToString()
    verifai.load(good)
    generator = random.Random(0)
    refused = 0
    for number in range(400):
        data = bytearray(good)
        if number % 4:
            data[generator.randrange(len(good))] ^= 1 << generator.randrange(8)
        else:
            del data[generator.randrange(len(good)) :]
        try:
            verifai.load(bytes(data))
        except (MalformedError, UnsupportedError):
            refused += 1
    assert refused > 200
