"""ONNX files as exporters write them: open lengths, functions, float types, old operator sets."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import verifai
from tests.needs import skip_without
from tests.onnx_parts import node, value
from verifai.cli.shapes import fixed_of, shapes_of
from verifai.errors import LimitError, MalformedError, UnsupportedError, UsageError
from verifai.model.shapes import Lengths

skip_without("onnx")

W = np.arange(6, dtype=np.float32).reshape(3, 2)


def file(
    nodes: Sequence[Any],
    inputs: dict[str, Any],
    outputs: dict[str, Any],
    weights: dict[str, Any] | None = None,
    *,
    kind: str = "FLOAT",
    opset: int = 18,
    **fields: Any,
) -> bytes:
    """A model; shapes by name, None for one that is not said."""
    from onnx import helper, numpy_helper

    graph = helper.make_graph(
        list(nodes),
        "g",
        [value(name, shape, kind) for name, shape in inputs.items()],
        [value(name, shape, kind) for name, shape in outputs.items()],
        [numpy_helper.from_array(np.asarray(a), name) for name, a in (weights or {}).items()],
    )
    sets = [helper.make_opsetid("", opset), *fields.pop("sets", [])]
    return bytes(helper.make_model(graph, opset_imports=sets, **fields).SerializeToString())


def product() -> list[Any]:
    return [node("MatMul", ["x", "w"], ["y"])]


@pytest.mark.parametrize(
    "front", ["N", "batch_size", "s77", "unk__617", "DynamicDimension.0", None, 0, -1]
)
def test_a_batch_axis_is_1_by_itself_and_that_is_said(front: Any) -> None:
    model = verifai.load(file(product(), {"x": [front, 3]}, {"y": ["anything", 2]}, {"w": W}))
    assert [info.shape for info in (*model.inputs, *model.outputs)] == [(1, 3), (1, 2)]
    (note,) = model.notes
    assert "batch" in note
    assert note in repr(model)
    assert np.array_equal(model.run(np.ones((1, 3), np.float32))[0], W.sum(axis=0)[None])
    static = verifai.load(file(product(), {"x": [1, 3]}, {"y": [1, 2]}, {"w": W}))
    assert static.digest == model.digest
    assert static == model
    assert not static.notes
    assert pickle.loads(pickle.dumps(model)).notes == model.notes  # noqa: S301


@pytest.mark.parametrize("given", [{"N": 4}, {"x": (4, 3)}, {"x": [4, 3], "N": np.int64(4)}])
def test_a_batch_axis_has_the_length_that_is_given(given: Any) -> None:
    data = file(product(), {"x": ["N", 3]}, {"y": ["N", 2]}, {"w": W})
    model = verifai.load(data, shapes=given)
    assert [info.shape for info in (*model.inputs, *model.outputs)] == [(4, 3), (4, 2)]
    assert model.notes == ("N is 4",)


def test_the_progress_hears_of_what_was_fixed() -> None:
    class Heard(list[str]):
        def stage(self, description: str) -> None:
            self.append(description)

    heard = Heard()
    verifai.load(file(product(), {"x": ["N", 3]}, {"y": ["N", 2]}, {"w": W}), progress=heard)
    assert heard == ["the batch axis N is 1"]


ASKED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a sequence": ({"x": ["batch", "sequence"]}, {"sequence": 16}),
    "in front, but no batch": ({"x": ["seq_len", 3]}, {"seq_len": 16}),
    "a list": ({"x": ["n"]}, {"n": 16}),
    "a matrix": ({"x": ["n", "n"]}, {"n": 16}),
    "two in front": ({"x": ["a", 3], "z": ["b", 3]}, {"a": 16, "b": 16}),
    "an image": ({"x": ["N", 3, "height", "width"]}, {"height": 224, "width": 224}),
    "without names": ({"x": [None, 3, None, 0]}, {"x": (1, 3, 224, 224)}),
    "with and without": ({"x": ["N", "t", None]}, {"x": (1, 16, 16)}),
    "an expression": ({"x": ["batch", "s"], "z": ["batch", "past + s"]}, {"s": 16, "past": 16}),
    "not even axes": ({"x": None}, {"x": (1, 16)}),
    "as a shell reads it": ({"x": ["N", "a b;c"]}, {"a b;c": 16}),
}


@pytest.mark.parametrize("name", ASKED)
def test_all_other_lengths_are_asked_for_in_one_error(name: str, tmp_path: Path) -> None:
    inputs, wanted = ASKED[name]
    path = tmp_path / "my model.onnx"
    path.write_bytes(file([node("Sum", list(inputs), ["y"])], inputs, {"y": None}))
    with pytest.raises(UnsupportedError, match="leaves lengths open") as caught:
        verifai.load(path)
    assert caught.value.details["shapes"] == wanted
    assert caught.value.hint is not None
    assert f"verifai.load({str(path)!r}, shapes={wanted!r})" in caught.value.hint
    command = caught.value.hint.partition("command line ")[2].removesuffix(" ...")
    import shlex

    words = shlex.split(command)
    assert words[:3] == ["verifai", "compile", str(path)]
    assert shapes_of(words[4::2]) == wanted
    for symbol in wanted:
        assert repr(symbol) in caught.value.message


@pytest.mark.parametrize("name", [name for name in ASKED if name not in ("an expression",)])
def test_what_the_error_gives_is_an_answer(name: str) -> None:
    inputs, wanted = ASKED[name]
    data = file([node("Sum", list(inputs), ["y"])], inputs, {"y": None})
    model = verifai.load(data, shapes=wanted)
    assert all(length > 0 for info in (*model.inputs, *model.outputs) for length in info.shape)


def test_expressions_of_symbols_are_computed() -> None:
    lengths = Lengths({"x": ["batch", "s"], "z": ["batch", "past + 2*s - 1"], "y": ["(s + 3)//2"]})
    lengths.give("past", 4)
    lengths.give("s", 5)
    lengths.default_batch()
    lengths.settle()
    assert [lengths.shape(name) for name in "xzy"] == [[1, 5], [1, 13], [4]]
    assert not lengths.is_open()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"q": 3}, r'names "q"; the model has the inputs .*symbols \[\'b\', \'s\'\]'),
        ({"x": (1, 2)}, r"has 3 axes, \[b, s, 3\]"),
        ({"x": (1, 2, 4)}, "Axis 2 of input 'x' has length 3 in the file, not 4"),
        ({"x": (2, 4, 3), "b": 3}, "'b' is 2 already, and 3"),
        ({"x": (2, 4, 3), "z": (3, 4, 2)}, "'b' is 2 already, and 3 by axis 0 of input 'z'"),
        ({"s": 0}, "lengths or shapes"),
        ({"s": -1}, "lengths or shapes"),
        ({"s": True}, "lengths or shapes"),
        ({"s": 2.0}, "lengths or shapes"),
        ({"s": "2"}, "lengths or shapes"),
        ({"s": None}, "lengths or shapes"),
        ({"x": (None, 4, 3)}, "lengths or shapes"),
        ({3: 4}, "lengths or shapes"),
    ],
)
def test_shapes_that_contradict_the_file_are_the_callers_fault(given: Any, words: str) -> None:
    nodes = [node("MatMul", ["x", "w"], ["a"]), node("Add", ["a", "z"], ["y"])]
    inputs = {"x": ["b", "s", 3], "z": ["b", "s", 2]}
    with pytest.raises(UsageError, match=words):
        verifai.load(file(nodes, inputs, {"y": None}, {"w": W}), shapes=given)


def test_a_batch_that_is_given_is_not_taken_for_1_elsewhere() -> None:
    """Rows of one input are 4, and of the other nothing is said: 1 would be a guess."""
    data = file([node("Add", ["x", "z"], ["y"])], {"x": ["N", 3], "z": [None, 3]}, {"y": None})
    with pytest.raises(UnsupportedError, match="axis 0 of 'z'"):
        verifai.load(data, shapes={"N": 4})
    assert verifai.load(data).outputs[0].shape == (1, 3)


def test_a_sequence_in_front_leaves_the_batch_behind_it_open_to_be_1() -> None:
    data = file([node("Neg", ["x"], ["y"])], {"x": ["seq", "batch", 3]}, {"y": None})
    assert verifai.load(data, shapes={"seq": 5}).inputs[0].shape == (5, 1, 3)


@pytest.mark.parametrize("word", ["x", "=3", "x=", "x=1,,2", "x=a", "x=-1", "x=1,2,", "x=1e3"])
def test_a_shape_on_the_command_line_is_name_and_numbers(word: str) -> None:
    with pytest.raises(UsageError, match="NAME=DIMS"):
        shapes_of([word])


def test_shapes_on_the_command_line() -> None:
    assert shapes_of(["s=16", "x=1,3,8", "in:0=2x4", "a=b=7"]) == {
        "s": 16,
        "x": (1, 3, 8),
        "in:0": (2, 4),
        "a=b": 7,
    }
    with pytest.raises(UsageError, match="twice"):
        shapes_of(["s=16", "s=17"])


# ---- outputs


def test_outputs_have_their_real_shape_whatever_the_file_says() -> None:
    for said in ([9, 9], ["N", 2], [], None, [None, None, None]):
        data = file(product(), {"x": ["N", 3]}, {"y": said}, {"w": W})
        assert verifai.load(data).outputs[0].shape == (1, 2)


def test_an_output_that_shape_inference_does_not_know_is_found_by_running() -> None:
    nodes = [
        node("Compress", ["x", "c"], ["a"], axis=1),  # its inference ignores the condition
        node("Neg", ["a"], ["y"]),
    ]
    keep = np.array([True, False, True])
    data = file(nodes, {"x": ["N", 3]}, {"y": [None, None]}, {"c": keep})
    assert verifai.load(data).outputs[0].shape == (1, 2)


def test_stale_annotations_do_not_matter() -> None:
    import onnx

    proto = onnx.load_from_string(
        file([*product(), node("Neg", ["y"], ["z"])], {"x": ["N", 3]}, {"z": ["N", 2]}, {"w": W})
    )
    proto.graph.value_info.append(value("y", [7, 7, 7]))
    model = verifai.load(proto.SerializeToString())
    assert model.outputs[0].shape == (1, 2)
    assert not onnx.load_from_string(model.onnx).graph.value_info


# ---- functions


def functional(*functions: Any, call: str = "Twice", **fields: Any) -> bytes:
    import onnx
    from onnx import helper

    proto = onnx.load_from_string(
        file(
            [node(call, ["x"], ["y"], domain="local")],
            {"x": ["N", 3]},
            {"y": ["N", 3]},
            sets=[helper.make_opsetid("local", 1)],
            **fields,
        )
    )
    proto.functions.extend(functions)
    return bytes(proto.SerializeToString())


def function(name: str, nodes: list[Any], opset: int = 18, domain: str = "local") -> Any:
    from onnx import helper

    sets = [helper.make_opsetid("", opset), helper.make_opsetid("local", 1)]
    return helper.make_function(domain, name, ["a"], ["b"], nodes, sets)


def test_functions_are_written_out() -> None:
    twice = function(
        "Twice",
        [node("Add", ["a", "a"], ["c"]), node("Once", ["c"], ["b"], domain="local")],
    )
    once = function("Once", [node("Neg", ["a"], ["b"])])
    model = verifai.load(functional(twice, once))
    assert [one.op_type for one in model.nodes()] == ["Add", "Neg"]
    assert np.array_equal(model.run(np.ones((1, 3), np.float32))[0], np.full((1, 3), -2))
    assert "2 local function(s) written out" in model.notes
    assert verifai.load(model.onnx).digest == model.digest


def test_a_function_of_an_older_operator_set_is_converted() -> None:
    old = function(
        "Twice", [node("Unsqueeze", ["a"], ["u"], axes=[0]), node("Neg", ["u"], ["b"])], opset=12
    )
    model = verifai.load(functional(old))
    assert model.outputs[0].shape == (1, 1, 3)


# ---- numbers


def test_infinities_are_constants_like_others() -> None:
    import onnx
    from onnx import numpy_helper

    nodes = [node("Where", ["m", "x", "low"], ["y"])]
    low, mask = np.array(-np.inf, np.float32), np.array([True, True, False])
    model = verifai.load(file(nodes, {"x": ["N", 3]}, {"y": ["N", 3]}, {"m": mask, "low": low}))
    assert np.isneginf(
        numpy_helper.to_array(
            next(t for t in onnx.load_from_string(model.onnx).graph.initializer if t.name == "low")
        )
    )


def test_nan_is_refused_where_it_is_read() -> None:
    bad = np.array([[np.nan] * 2] * 3, np.float32)
    with pytest.raises(MalformedError, match="'w' holds NaN"):
        verifai.load(file(product(), {"x": [1, 3]}, {"y": [1, 2]}, {"w": bad}))
    model = verifai.load(file(product(), {"x": [1, 3]}, {"y": [1, 2]}, {"w": W, "unread": bad}))
    assert b"unread" not in model.onnx


def test_bfloat16_is_computed_in_float32() -> None:
    import ml_dtypes
    import torch
    from onnx import TensorProto

    narrow = (W / 7).astype(ml_dtypes.bfloat16)
    nodes = [
        node("Cast", ["w"], ["c"], to=TensorProto.BFLOAT16),
        node("MatMul", ["x", "c"], ["y"]),
    ]
    data = file(nodes, {"x": ["N", 3]}, {"y": None}, {"w": narrow}, kind="BFLOAT16")
    model = verifai.load(data)
    assert "bfloat16 is computed in float32" in model.notes
    assert model.inputs[0].dtype == model.outputs[0].dtype == "float32"
    for ones in (
        np.ones((1, 3), np.float32),
        np.ones((1, 3), ml_dtypes.bfloat16),
        torch.ones(1, 3, dtype=torch.bfloat16),
    ):
        assert np.array_equal(model.run(ones)[0], narrow.astype(np.float32).sum(axis=0)[None])


@pytest.mark.parametrize(("kind", "name"), [("DOUBLE", "float64"), ("FLOAT16", "float16")])
def test_other_floats_are_kept_where_onnxruntime_computes_with_them(kind: str, name: str) -> None:
    weight = W.astype(name)
    model = verifai.load(file(product(), {"x": [1, 3]}, {"y": None}, {"w": weight}, kind=kind))
    assert model.outputs[0].dtype == name
    assert model.run(np.ones((1, 3)))[0].dtype == name


def test_float64_is_computed_in_float32_where_onnxruntime_has_nothing_else() -> None:
    nodes = [node("Conv", ["x", "w"], ["y"])]
    inputs, weights = {"x": ["N", 1, 3, 3]}, {"w": np.full((1, 1, 2, 2), 0.25)}
    model = verifai.load(file(nodes, inputs, {"y": None}, weights, kind="DOUBLE"))
    assert "float64 is computed in float32" in model.notes
    assert np.array_equal(model.run(np.ones((1, 1, 3, 3)))[0], np.ones((1, 1, 2, 2)))
    weights["w"][:] = 1e200
    with pytest.raises(UnsupportedError, match="'w' is too large for float32"):
        verifai.load(file(nodes, inputs, {"y": None}, weights, kind="DOUBLE"))


def test_sparse_weights_are_made_dense() -> None:
    import onnx
    from onnx import helper, numpy_helper

    places, values = np.nonzero(W), W[np.nonzero(W)]
    flat = np.ravel_multi_index(places, W.shape)
    for indices in (flat, np.stack(places, axis=1)):
        sparse = helper.make_sparse_tensor(
            numpy_helper.from_array(values, "w"),
            numpy_helper.from_array(indices.astype(np.int64), "i"),
            W.shape,
        )
        proto = onnx.load_from_string(file(product(), {"x": ["N", 3]}, {"y": None}))
        proto.graph.sparse_initializer.append(sparse)
        model = verifai.load(proto.SerializeToString())
        dense = verifai.load(file(product(), {"x": ["N", 3]}, {"y": None}, {"w": W}))
        assert model.digest == dense.digest
        assert "1 sparse weight(s) made dense" in model.notes
        constant = node("Constant", [], ["w"], sparse_value=sparse)
        again = verifai.load(file([constant, *product()], {"x": ["N", 3]}, {"y": None}))
        assert np.array_equal(again.run(np.ones((1, 3)))[0], W.sum(axis=0)[None])


# ---- operator sets


def test_every_operator_set_from_7_on_is_read() -> None:
    import onnx

    for opset in range(7, onnx.defs.onnx_opset_version() + 1):
        model = verifai.load(file(product(), {"x": ["N", 3]}, {"y": None}, {"w": W}, opset=opset))
        assert np.array_equal(model.run(np.ones((1, 3)))[0], W.sum(axis=0)[None])


def test_an_older_operator_set_is_converted() -> None:
    nodes = [node("Relu", ["x"], ["y"], consumed_inputs=[0])]
    model = verifai.load(file(nodes, {"x": ["N", 3]}, {"y": ["N", 3]}, opset=5, ir_version=3))
    assert "operator set 5 converted to 7" in model.notes
    assert np.array_equal(model.run(-np.ones((1, 3)))[0], np.zeros((1, 3)))


def test_operators_of_classical_machine_learning_pass() -> None:
    """With the maps that their exporters add to probabilities as the tensors that they are."""
    import onnx
    from onnx import TensorProto, helper

    nodes = [
        node("Scaler", ["x"], ["s"], domain="ai.onnx.ml", offset=[0.5] * 3, scale=[2.0] * 3),
        node("ZipMap", ["s"], ["y"], domain="ai.onnx.ml", classlabels_int64s=[0, 1, 2]),
    ]
    proto = onnx.load_from_string(
        file(nodes, {"x": [None, 3]}, {"y": None}, sets=[helper.make_opsetid("ai.onnx.ml", 3)])
    )
    proto.graph.output[0].type.Clear()
    proto.graph.output[0].type.sequence_type.elem_type.map_type.key_type = TensorProto.INT64
    model = verifai.load(proto.SerializeToString())
    assert model.outputs[0].shape == (1, 3)
    assert np.array_equal(model.run(np.ones((1, 3)))[0], np.ones((1, 3)))
    assert verifai.load(model.onnx).digest == model.digest


# ---- what does not matter


def test_an_input_that_no_result_depends_on_stays_and_is_named() -> None:
    nodes = [*product(), node("Neg", ["z"], ["dead"])]
    model = verifai.load(file(nodes, {"x": ["N", 3], "z": ["N", 5]}, {"y": None}, {"w": W}))
    assert [info.name for info in model.inputs] == ["x", "z"]
    assert "no result depends on z" in model.notes
    assert [one.op_type for one in model.nodes()] == ["MatMul"]


def test_empty_weights_are_weights() -> None:
    nodes = [node("Concat", ["x", "none"], ["y"], axis=1)]
    none = np.zeros((1, 0), np.float32)
    model = verifai.load(file(nodes, {"x": ["N", 3]}, {"y": None}, {"none": none}))
    assert model.outputs[0].shape == (1, 3)


# -- inputs that are fixed


def chosen(rate: str = "INT64", shape: Any = ()) -> bytes:
    """Twice x at a rate of 16,000, else x."""
    import onnx
    from onnx import helper

    nodes = [
        node("Equal", ["rate", "high"], ["is_high"]),
        node("If", ["is_high"], ["y"], then_branch=helper.make_graph(
            [node("Add", ["x", "x"], ["t"])], "then", [], [value("t", [1, 3], "FLOAT")]),
            else_branch=helper.make_graph(
            [node("Identity", ["x"], ["e"])], "else", [], [value("e", [1, 3], "FLOAT")])),
    ]  # fmt: skip
    high = np.array(16_000, dtype={"INT64": "int64", "INT32": "int32", "FLOAT": "float32"}[rate])
    data = file(nodes, {"x": [1, 3]}, {"y": [1, 3]}, {"high": high})
    proto = onnx.ModelProto.FromString(data)
    proto.graph.input.append(value("rate", list(shape), rate))
    return bytes(proto.SerializeToString())


def test_a_fixed_input_is_a_constant_of_the_model() -> None:
    models = {rate: verifai.load(chosen(), fixed={"rate": rate}) for rate in (16_000, 8_000)}
    assert models[16_000].digest != models[8_000].digest
    x = np.float32([[1, 2, 3]])
    for rate, factor in ((16_000, 2), (8_000, 1)):
        assert [info.name for info in models[rate].inputs] == ["x"]
        assert models[rate].notes[0] == f"rate is fixed to {rate}"
        assert np.array_equal(models[rate].run(x)[0], factor * x)
        verifai.compile(models[rate], [(x,)], progress=False)


def test_what_an_input_decides_over_asks_for_its_value() -> None:
    model = verifai.load(chosen())
    sample = (np.float32([[1, 2, 3]]), np.array(16_000))
    with pytest.raises(UnsupportedError, match=r"fixed=\{'name': value\}.*--fix name=value"):
        verifai.compile(model, [sample], progress=False)


def test_a_number_fits_an_input_of_one_element() -> None:
    model = verifai.load(chosen(shape=(1,)), fixed={"rate": 16_000})
    assert [info.name for info in model.inputs] == ["x"]


@pytest.mark.parametrize(
    ("rate", "given", "words"),
    [
        ("INT64", {"x_": 1}, 'fixed names "x_"; the model has the inputs'),
        ("INT64", {"rate": 0.5}, "int64 in the model, which does not hold 0.5"),
        ("INT64", {"rate": True}, "int64 in the model"),
        ("INT64", {"rate": "high"}, "is a number or an array"),
        ("INT64", {"rate": [[1], [2, 3]]}, "is a number or an array"),
        ("INT64", {"rate": [1, 2]}, r"has shape \[2\], and \[\] in the file"),
        ("INT32", {"rate": 1 << 40}, "int32 in the model"),
        ("FLOAT", {"rate": float("nan")}, "float32 in the model"),
        ("INT64", ["rate"], "fixed maps names of inputs to values"),
    ],
)
def test_values_that_do_not_fit(rate: str, given: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        verifai.load(chosen(rate), fixed=given)


def test_fixed_inputs_on_the_command_line() -> None:
    assert fixed_of(["sr=16000", "a=b=[1, 2]", "on=true"]) == {
        "sr": 16_000,
        "a=b": [1, 2],
        "on": True,
    }
    for words in (["sr"], ["sr=high"], ['sr="high"'], ["=1"], ["sr={}"]):
        with pytest.raises(UsageError, match="A fixed input is NAME=VALUE"):
            fixed_of(words)
    with pytest.raises(UsageError, match="'sr' comes twice"):
        fixed_of(["sr=1", "sr=2"])


def test_a_loop_that_does_not_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file does not say what shape its output has: it is run on zeros."""
    from onnx import helper

    from verifai.model import outputs

    monkeypatch.setattr(outputs, "MAX_RUN_SECONDS", 0.2)
    body = helper.make_graph(
        [node("Identity", ["on"], ["still_on"]), node("Add", ["a", "a"], ["b"])],
        "body",
        [value("i", [], "INT64"), value("on", [], "BOOL"), value("a", None, "FLOAT")],
        [value("still_on", [], "BOOL"), value("b", None, "FLOAT")],
    )
    nodes = [node("Loop", ["times", "", "x"], ["y"], body=body)]
    endless = file(nodes, {"x": [1, 3]}, {"y": None}, {"times": np.array(1 << 62)})
    with pytest.raises(LimitError, match="MAX_RUN_SECONDS"):
        verifai.load(endless)
