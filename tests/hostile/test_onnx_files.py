"""ONNX files from strangers: each is refused with one clear error, and nothing is opened."""

from __future__ import annotations

import os
import pickle
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import verifai
from tests.needs import skip_without
from tests.onnx_parts import array, node, value
from verifai.errors import InputError, LimitError, MalformedError, UnsupportedError, VerifaiError

skip_without("onnx")


def proto(**changes: Any) -> Any:
    """y = x + w, changed as asked."""
    from onnx import helper

    fields: dict[str, Any] = {
        "nodes": [helper.make_node("Add", ["x", "w"], ["y"], name="add")],
        "inputs": [value("x", [2])],
        "outputs": [value("y", [2])],
        "weights": [array(np.ones(2), "w")],
        "opset": 18,
    } | changes
    graph = helper.make_graph(
        fields["nodes"], "g", fields["inputs"], fields["outputs"], fields["weights"]
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", fields["opset"])])


def weight(**changes: Any) -> Any:

    tensor = array(np.ones(2), "w")
    for name, changed in changes.items():
        if name == "dims":
            del tensor.dims[:]
            tensor.dims.extend(changed)
        else:
            setattr(tensor, name, changed)
    return tensor


def nested(depth: int) -> Any:
    """An If in an If in an If ..."""
    from onnx import helper

    inner = helper.make_graph([node("Identity", ["x"], ["i"])], "b", [], [value("i", [2])])
    for level in range(depth):
        branch = node("If", ["c"], [f"o{level}"], then_branch=inner, else_branch=inner)
        inner = helper.make_graph([branch], "b", [], [value(f"o{level}", [2])])
    return proto(
        nodes=[node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)],
        inputs=[value("x", [2]), value("c", [], "BOOL")],
    )


HOSTILE: dict[str, tuple[Callable[[], Any], type[VerifaiError], str]] = {
    "cycle": (
        lambda: proto(nodes=[node("Add", ["x", "b"], ["a"]), node("Add", ["a", "w"], ["b"])]),
        MalformedError,
        "cycle",
    ),
    "dangling edge": (
        lambda: proto(nodes=[node("Add", ["x", "nowhere"], ["y"])]),
        MalformedError,
        "nowhere",
    ),
    "written twice": (
        lambda: proto(nodes=[node("Add", ["x", "w"], ["y"]), node("Neg", ["x"], ["y"])]),
        MalformedError,
        "twice",
    ),
    "weight named twice": (lambda: proto(weights=[weight(), weight()]), MalformedError, "twice"),
    "no output": (lambda: proto(outputs=[]), UnsupportedError, "no input or no output"),
    "unwritten output": (
        lambda: proto(outputs=[value("z", [2])]),
        MalformedError,
        "Nothing writes",
    ),
    "no nodes": (lambda: proto(nodes=[]), MalformedError, "without nodes"),
    "an open length": (
        lambda: proto(inputs=[value("x", ["time"])]),
        UnsupportedError,
        r"open: 'time' \(axis 0 of x\)",
    ),
    "negative axis": (lambda: proto(inputs=[value("x", [-2])]), MalformedError, "impossible shape"),
    "an open axis without a name": (
        lambda: proto(inputs=[value("x", [0])]),
        UnsupportedError,
        "axis 0 of 'x', which has no name",
    ),
    "huge axis": (
        lambda: proto(inputs=[value("x", [1 << 40])]),
        LimitError,
        "MAX_TENSOR_ELEMENTS",
    ),
    "overflowing product": (
        lambda: proto(inputs=[value("x", [1 << 33, 1 << 33])]),
        LimitError,
        "MAX_TENSOR_ELEMENTS",
    ),
    "many axes": (lambda: proto(inputs=[value("x", [1] * 40)]), LimitError, "MAX_RANK"),
    "string input": (
        lambda: proto(inputs=[value("x", [2], "STRING")]),
        UnsupportedError,
        "not numbers",
    ),
    "unknown element type": (
        lambda: proto(inputs=[value("x", [2], 999)]),
        MalformedError,
        "element type",
    ),
    "weight shorter than its shape": (
        lambda: proto(weights=[weight(dims=[3])]),
        MalformedError,
        "what its shape says",
    ),
    "weight with a huge shape": (
        lambda: proto(weights=[weight(dims=[1 << 31, 4])]),
        LimitError,
        "MAX_TENSOR_ELEMENTS",
    ),
    "weight of unknown type": (
        lambda: proto(weights=[weight(data_type=999)]),
        MalformedError,
        "what its shape says",
    ),
    "NaN weight": (
        lambda: proto(weights=[weight(raw_data=np.float32([1, np.nan]).tobytes())]),
        MalformedError,
        "holds NaN",
    ),
    "long name": (
        lambda: proto(nodes=[node("Add", ["x", "w"], ["y"], name="n" * 5000)]),
        LimitError,
        "MAX_NAME_LENGTH",
    ),
    "foreign operators": (
        lambda: proto(
            nodes=[
                node("Evil", ["x"], ["a"], name="first", domain="com.evil"),
                node("Worse", ["a"], ["y"], name="second", domain="com.evil"),
            ]
        ),
        UnsupportedError,
        "first.*second",
    ),
    "unknown operator": (
        lambda: proto(nodes=[node("NoSuchThing", ["x"], ["y"])]),
        MalformedError,
        "NoSuchThing",
    ),
    "two opsets": (lambda: two_opsets(), MalformedError, r"several versions.*17, 18"),
    "one output twice": (
        lambda: proto(outputs=[value("y", [2]), value("y", [2])]),
        MalformedError,
        "twice",
    ),
    "no opset": (lambda: without_opset(), MalformedError, "which operator set of ai.onnx"),
    "future opset": (lambda: proto(opset=99), UnsupportedError, "operator set 99"),
    "no opset at all": (lambda: proto(opset=0), UnsupportedError, "operator set 0"),
    "ancient opset": (
        lambda: proto(nodes=[node("Upsample", ["x"], ["y"], scales=[1.0])], opset=6),
        UnsupportedError,
        "operator set 6.*cannot be converted",
    ),
    "deep nesting": (lambda: nested(12), LimitError, "MAX_SUBGRAPH_DEPTH"),
    "external data in bytes": (
        lambda: proto(weights=[external("weights.bin")]),
        UnsupportedError,
        "came as bytes",
    ),
}


def two_opsets() -> Any:
    from onnx import helper

    made = proto()
    made.opset_import.append(helper.make_opsetid("", 17))
    return made


def without_opset() -> Any:
    made = proto()
    del made.opset_import[:]
    return made


def external(location: str, **more: str) -> Any:
    from onnx import TensorProto

    tensor = weight()
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, text in {"location": location, **more}.items():
        tensor.external_data.add(key=key, value=text)
    return tensor


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_graphs_are_refused_with_the_reason(name: str) -> None:
    make, error, words = HOSTILE[name]
    with pytest.raises(error, match=words):
        verifai.load(make().SerializeToString())


def test_the_honest_one_loads() -> None:
    model = verifai.load(proto().SerializeToString())
    assert np.array_equal(model.run(np.ones(2, np.float32))[0], [2, 2])


def awkward(name: str) -> Any:
    """The honest model, with a header that its writer cared little about."""
    from onnx import helper

    made = proto(weights=[weight(), array(np.ones(3), "unused")])
    if name.startswith("format"):
        made.ir_version = int(name.split(",")[0].split()[1])
    if name.endswith("weights are inputs"):
        made.graph.input.extend([value("w", [2]), value("unused", [3])])
    if name == "no format":
        made.ClearField("ir_version")
    if name == "no graph name":
        made.graph.name = ""
    if name == "operator set twice":
        made.opset_import.append(helper.make_opsetid("ai.onnx", 18))
    if name == "operator set by its other name":
        made.opset_import[0].domain = "ai.onnx"
        made.graph.node[0].domain = "ai.onnx"
    if name == "an operator set that nothing uses":
        made.opset_import.append(helper.make_opsetid("com.example", 1))
    return made


@pytest.mark.parametrize(
    "name",
    [
        "nothing special",
        "format 3",
        "format 3, weights are inputs",
        "format 4, weights are inputs",
        "format 99",
        "no format",
        "no graph name",
        "operator set twice",
        "operator set by its other name",
        "an operator set that nothing uses",
    ],
)
def test_headers_are_written_anew(name: str) -> None:
    """A model that can be understood loads, runs and has the digest of its tidy twin."""
    model = verifai.load(awkward(name).SerializeToString())
    assert np.array_equal(model.run(np.ones(2, np.float32))[0], [2, 2])
    assert model.digest == verifai.load(awkward("nothing special").SerializeToString()).digest
    assert verifai.load(model.onnx).digest == model.digest


def test_nodes_of_one_name_get_their_own() -> None:
    from onnx import TensorProto, helper

    nodes = [node("Neg", [a], [b], name="same") for a, b in ("xa", "ab", "by")]
    nodes[1].name = "same_2"
    model = verifai.load(proto(nodes=[*nodes]).SerializeToString())
    assert np.array_equal(model.run(np.ones(2, np.float32))[0], [-1, -1])
    assert len({one.name for one in model.nodes()}) == 3
    branch = helper.make_graph(
        [node("Neg", ["x"], ["p"], name="n"), node("Neg", ["p"], ["q"], name="n")],
        "",
        [],
        [value("q", [2])],
    )
    nodes = [
        node("ReduceMax", ["x"], ["m"], keepdims=0),
        node("Cast", ["m"], ["c"], to=TensorProto.BOOL),
        node("If", ["c"], ["y"], then_branch=branch, else_branch=branch),
    ]
    model = verifai.load(proto(nodes=nodes).SerializeToString())
    assert np.array_equal(model.run(np.ones(2, np.float32))[0], [1, 1])


def test_all_that_is_not_supported_is_named_at_once() -> None:
    made = proto(
        nodes=[node("Evil", ["x", "z"], ["a"], name="first", domain="com.evil")],
        inputs=[value("x", ["rows", 2, "time"]), value("z", [2, None])],
        outputs=[value("a", [2], "STRING")],
    )
    with pytest.raises(UnsupportedError) as caught:
        verifai.load(made.SerializeToString())
    for words in ("first (com.evil.Evil)", "'time'", "axis 1 of 'z'", "not numbers"):
        assert words in caught.value.message
    assert caught.value.details["nodes"][0]["node"] == "first"


def test_an_index_outside_its_table_is_the_inputs_fault() -> None:
    made = proto(nodes=[node("Gather", ["w", "x"], ["y"])], inputs=[value("x", [2], "INT64")])
    with pytest.raises(InputError, match="onnxruntime cannot run the model on this input"):
        verifai.load(made.SerializeToString()).run(np.array([0, 9]))


def test_documentation_and_tool_names_do_not_change_the_digest() -> None:
    noisy = proto()
    noisy.producer_name, noisy.doc_string = "somebody", "made in /home/somebody"
    noisy.metadata_props.add(key="path", value="/home/somebody")
    noisy.graph.node[0].doc_string = "here"
    plain = verifai.load(proto().SerializeToString())
    assert verifai.load(noisy.SerializeToString()).digest == plain.digest
    assert b"somebody" not in verifai.load(noisy.SerializeToString()).onnx


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "model"
    inside.mkdir()
    (inside / "weights.bin").write_bytes(np.array([3, 4], np.float32).tobytes())
    (tmp_path / "secret.bin").write_bytes(b"\0" * 8)
    return inside


def save(folder: Path, tensor: Any) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(proto(weights=[tensor]).SerializeToString())
    return path


def test_external_data_beside_the_model_are_inlined(folder: Path) -> None:
    model = verifai.load(save(folder, external("weights.bin", offset="0", length="8")))
    assert np.array_equal(model.run(np.zeros(2, np.float32))[0], [3, 4])
    assert verifai.load(model.onnx).digest == model.digest


@pytest.mark.parametrize(
    "location",
    [
        "../secret.bin",
        "a/../../secret.bin",
        "./../secret.bin",
        "/etc/passwd",
        "\\\\host\\share",
        "C:\\secret.bin",
        "..",
        ".",
        "",
        "missing.bin",
        "weights.bin/x",
        "nul\0byte",
    ],
)
def test_external_data_outside_the_folder_are_refused(folder: Path, location: str) -> None:
    with pytest.raises(MalformedError):
        verifai.load(save(folder, external(location, length="8")))


@pytest.mark.parametrize(
    "more",
    [
        {"offset": "4", "length": "8"},
        {"offset": "-4", "length": "8"},
        {"length": "-1"},
        {"length": str(1 << 62)},
        {"offset": str(1 << 62), "length": "8"},
        {"length": "eight"},
        {"length": "4"},
    ],
)
def test_external_ranges_are_checked(folder: Path, more: dict[str, str]) -> None:
    with pytest.raises(MalformedError):
        verifai.load(save(folder, external("weights.bin", **more)))


def test_external_data_are_as_long_as_their_tensor(folder: Path) -> None:
    """A sparse file of 10 GB beside the model is not read for a weight of 8 bytes."""
    with (folder / "sparse.bin").open("wb") as file:
        file.truncate(10 << 30)
    for more in ({}, {"length": str(1 << 30)}, {"length": "9"}, {"length": "7"}):
        with pytest.raises(MalformedError, match="its shape takes 8"):
            verifai.load(save(folder, external("sparse.bin", **more)))
    tensor = external("sparse.bin")
    tensor.dims[:] = [1 << 31, 4]
    with pytest.raises(LimitError, match="MAX_TENSOR_ELEMENTS"):
        verifai.load(save(folder, tensor))
    tensor.dims[:] = [1 << 31]
    tensor.data_type = 999
    with pytest.raises(MalformedError, match="element type"):
        verifai.load(save(folder, tensor))


def test_external_data_lie_in_one_place(folder: Path) -> None:
    tensor = external("weights.bin", length="8")
    tensor.external_data.add(key="location", value="weights.bin")
    with pytest.raises(MalformedError, match="twice"):
        verifai.load(save(folder, tensor))


def test_links_and_devices_are_not_followed(folder: Path) -> None:
    secret = folder.parent / "secret.bin"
    (folder / "symlink.bin").symlink_to(secret)
    os.link(secret, folder / "hardlink.bin")
    (folder / "linked").symlink_to(folder.parent)
    os.mkfifo(folder / "pipe")
    for location in ("symlink.bin", "hardlink.bin", "linked/secret.bin", "pipe"):
        with pytest.raises(MalformedError):
            verifai.load(save(folder, external(location, length="8")))


def test_pickles_are_refused_by_name_and_not_run(tmp_path: Path) -> None:
    canary = tmp_path / "canary"

    class Bomb:
        def __reduce__(self) -> Any:
            return (Path.touch, (canary,))

    (tmp_path / "model.pt").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(MalformedError, match="a pickle"):
        verifai.load(tmp_path / "model.pt")
    torch = pytest.importorskip("torch")
    torch.save({"w": torch.ones(1)}, tmp_path / "model.pth")
    with pytest.raises(MalformedError, match="zip archive"):
        verifai.load(tmp_path / "model.pth")
    np.savez(tmp_path / "model.npz", w=np.ones(1))
    with pytest.raises(MalformedError, match="zip archive"):
        verifai.load(tmp_path / "model.npz")
    assert not canary.exists()


def test_damage_gives_our_errors_and_no_others() -> None:
    """Every truncation and 400 random flips: an error of ours, or another well-formed model."""
    good = proto().SerializeToString()
    damaged = [good[:length] for length in range(len(good))]
    generator = random.Random(0)
    for _ in range(400):
        flipped = bytearray(good)
        flipped[generator.randrange(len(good))] ^= 1 << generator.randrange(8)
        damaged.append(bytes(flipped))
    refused = 0
    for data in damaged:
        try:
            verifai.load(data)
        except (MalformedError, UnsupportedError):
            refused += 1
    assert refused > len(good) // 2
