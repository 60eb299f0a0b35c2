"""ONNX files, from strangers."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from verifai.errors import LimitError, MalformedError, UnsupportedError
from verifai.extras import require
from verifai.limits import MAX_ONNX_BYTES
from verifai.model.dead import drop_dead, maps_are_tensors, read_by
from verifai.model.external import inline_external_data
from verifai.model.fixed import Fixed, fix_inputs
from verifai.model.functions import inline_functions
from verifai.model.inputs import TensorInfo
from verifai.model.labels import labels_are_numbers
from verifai.model.outline import outline, take_graph
from verifai.model.outputs import settle_outputs
from verifai.model.precision import kinds_of, to_float32
from verifai.model.session import session
from verifai.model.shapes import Shapes, fix_shapes
from verifai.model.sparse import make_dense
from verifai.model.structure import (
    ML,
    STANDARD,
    check_structure,
    check_tensors,
    check_text,
    element_type,
    every_graph,
    foreign,
)
from verifai.proof.files import read_regular

#: First bytes of formats that can run code when they are opened. They are refused by name.
_PICKLES: Final = {
    b"\x80": "a pickle",
    b"PK\x03\x04": "a zip archive (torch checkpoints are one, with a pickle inside)",
    b"\x93NUMPY": "a numpy array",
}
#: What onnxruntime promises to run; older files are converted.
MIN_OPSET: Final = 7
#: Of the standard's operators where a file uses none of them.
_ANY_OPSET: Final = 18
#: From this version of the file format on a weight need not be an input.
MIN_IR_VERSION: Final = 4


@dataclass(frozen=True)
class Parts:
    """What a file becomes.

    Attributes:
        onnx: in canonical form.
        inputs, outputs: in the model's order.
        notes: what was fixed, converted or written out, in words.
    """

    onnx: bytes
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    notes: tuple[str, ...]


def read(
    source: str | os.PathLike[str] | bytes,
    shapes: Shapes | None = None,
    fixed: Fixed | None = None,
) -> Parts:
    """The parts of an ONNX model, as :func:`verifai.model.load` takes it."""
    proto = _parsed(source)
    notes = [*filter(None, [inline_functions(proto), make_dense(proto)])]
    _weights_are_no_inputs(proto.graph)
    check_structure(proto)
    maps_are_tensors(proto.graph)
    notes += labels_are_numbers(proto.graph)
    notes += fix_inputs(proto.graph, fixed)
    drop_dead(proto.graph)
    check_tensors(proto.graph)
    notes += filter(None, [_narrow(proto)])
    problems = foreign(proto.graph)
    name = "model.onnx" if isinstance(source, bytes) else os.fspath(source)
    try:
        notes += fix_shapes(proto.graph, shapes, str(name))
    except UnsupportedError as error:
        problems.append(error)
    problems += _no_numbers(proto.graph)
    if problems:
        raise _together(problems)
    if not proto.graph.input or not proto.graph.output:
        raise UnsupportedError("The model has no input or no output: there is nothing to prove.")
    notes += filter(None, [_standardise(proto)])
    _check(proto)
    settle_outputs(proto)
    notes += _computed_in_float32(proto)
    inputs, outputs = _infos(proto.graph.input, "Input"), _infos(proto.graph.output, "Output")
    used = read_by(proto.graph)
    notes += [f"no result depends on {info.name}" for info in inputs if info.name not in used]
    return Parts(_canonical(proto), inputs, outputs, tuple(notes))


def _parsed(source: str | os.PathLike[str] | bytes) -> Any:
    """A ``ModelProto`` with all its weights inside."""
    onnx = require("onnx", "onnx", "reading an ONNX model")
    folder: Path | None = None
    if isinstance(source, bytes):
        data = source
    else:
        data, folder = read_regular(source, MAX_ONNX_BYTES), Path(source).resolve().parent
    for magic, what in _PICKLES.items():
        if data.startswith(magic):
            raise MalformedError(
                f"This is {what}, not an ONNX model; it was not opened.",
                hint="Export the module to ONNX: verifai.export(module, example_inputs).",
            )
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(data)
    except Exception as error:
        # protobuf's DecodeError lives in a module that differs between its implementations.
        named = "" if isinstance(source, bytes) else f"{source}: "
        raise MalformedError(f"{named}Not an ONNX model: {error}.") from None
    check_text(proto)
    inline_external_data(proto, folder)
    return proto


def _weights_are_no_inputs(graph: Any) -> None:
    """In the first formats every weight is an input as well."""
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    del graph.input[:]
    graph.input.extend(inputs)


def _no_numbers(graph: Any) -> list[UnsupportedError]:
    """Inputs and outputs that are no tensors of numbers; of an output nothing may be said."""
    problems = []
    values = [*(("Input", v) for v in graph.input), *(("Output", v) for v in graph.output)]
    for role, value in values:
        try:
            tensor = value.type.WhichOneof("value") == "tensor_type"
            if tensor and value.type.tensor_type.elem_type:
                element_type(value, role)
            elif role == "Input" or value.type.WhichOneof("value") not in (None, "tensor_type"):
                raise UnsupportedError(f"{role} {value.name!r} is not a tensor of numbers.")
        except UnsupportedError as error:
            problems.append(error)
    return problems


def _together(problems: list[UnsupportedError]) -> UnsupportedError:
    """One error that says what all of them say."""
    hints = dict.fromkeys(problem.hint for problem in problems if problem.hint)
    details = {key: value for each in problems for key, value in each.details.items()}
    message = " ".join(problem.message for problem in problems)
    return UnsupportedError(message, hint=" ".join(hints) or None, **details)


def _narrow(proto: Any) -> str | None:
    """bfloat16, which onnxruntime does not compute with on a processor, is float32."""
    kind = require("onnx", "onnx", "reading an ONNX model").TensorProto.BFLOAT16
    if kind not in kinds_of(proto):
        return None
    to_float32(proto, [kind])
    return "bfloat16 is computed in float32"


def _computed_in_float32(proto: Any) -> list[str]:
    """Other float types are float32 as well, where onnxruntime lacks an operator in them."""
    onnx = require("onnx", "onnx", "reading an ONNX model")
    kinds = {onnx.TensorProto.DOUBLE: "float64", onnx.TensorProto.FLOAT16: "float16"}
    found = kinds_of(proto) & kinds.keys()
    if not found:
        return []
    try:
        session(proto.SerializeToString(), strict=True)
    except UnsupportedError:
        to_float32(proto, found)
        return [f"{kinds[kind]} is computed in float32" for kind in sorted(found)]
    return []


def _check(proto: Any) -> None:
    """ONNX's own checks, whatever outputs are declared as: that is found out afterwards."""
    onnx = require("onnx", "onnx", "reading an ONNX model")
    bare = outline(proto)
    for value in bare.graph.output:
        if value.type.WhichOneof("value") in (None, "tensor_type"):
            value.type.tensor_type.shape.SetInParent()
            value.type.tensor_type.elem_type = value.type.tensor_type.elem_type or 1
    try:
        onnx.checker.check_model(bare, full_check=False)
    except Exception as error:
        # the checker's errors share no base class
        raise MalformedError(f"Not a valid ONNX model: {str(error)[:500]}") from None


def _infos(values: Iterable[Any], role: str) -> tuple[TensorInfo, ...]:
    found = []
    for value in values:
        dtype = element_type(value, role)
        dims = value.type.tensor_type.shape.dim
        found.append(TensorInfo(value.name, tuple(dim.dim_value for dim in dims), dtype.name))
    if len({info.name for info in found}) < len(found):
        raise MalformedError(f"The model lists one {role.lower()} twice.")
    return tuple(found)


def _canonical(proto: Any) -> bytes:
    """A checked ``ModelProto`` with everything dropped that is not meaning."""
    for name in ("producer_name", "producer_version", "domain", "doc_string", "model_version"):
        proto.ClearField(name)
    for name in ("metadata_props", "training_info", "configuration"):
        proto.ClearField(name)
    for graph in every_graph(proto.graph):
        _strip(graph)
    if proto.ByteSize() > MAX_ONNX_BYTES:
        raise LimitError(f"With its external data the model exceeds {MAX_ONNX_BYTES} bytes.")
    return bytes(proto.SerializeToString(deterministic=True))


def _strip(graph: Any) -> None:
    """Drop documentation, metadata, and shape annotations that anyone can infer again."""
    graph.doc_string = ""
    del graph.value_info[:]
    del graph.metadata_props[:]
    del graph.quantization_annotation[:]
    for item in (*graph.input, *graph.output, *graph.initializer):
        item.doc_string = ""
        del item.metadata_props[:]
    for value in (*graph.input, *graph.output):
        value.type.ClearField("denotation")
        for dim in value.type.tensor_type.shape.dim if value.type.HasField("tensor_type") else ():
            dim.ClearField("denotation")
    for node in graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
        node.ClearField("device_configurations")
        for attribute in node.attribute:
            attribute.doc_string = ""


def _standardise(proto: Any) -> str | None:
    """The header that the standard asks for, of a file whose writer cared less.

    One operator set, the version of the format that it needs, and a name for the graph. In the
    formats before :data:`MIN_IR_VERSION` every weight is an input as well, which here none is.
    What is older than :data:`MIN_OPSET` is converted to it.
    """
    helper = require("onnx", "onnx", "reading an ONNX model").helper
    domains = {node.domain for graph in every_graph(proto.graph) for node in graph.node}
    converted = _converted(proto, _version(proto, STANDARD, bool(domains - {ML})))
    version = _version(proto, STANDARD, bool(domains - {ML}))
    sets = [helper.make_opsetid("", version)]
    if ML in domains:
        sets.append(helper.make_opsetid(ML, _version(proto, (ML,), True)))
    proto.ClearField("opset_import")
    proto.opset_import.extend(sets)
    needed = helper.find_min_ir_version_for(proto.opset_import, ignore_unknown=True)
    proto.ir_version = max(MIN_IR_VERSION, needed)
    for graph in every_graph(proto.graph):
        _name(graph)
    return converted


def _version(proto: Any, names: tuple[str, ...], used: bool) -> int:
    """The version of an operator set that a model says it uses."""
    found = {entry.version for entry in proto.opset_import if entry.domain in names}
    title = names[-1]
    if not found:
        if used:
            raise MalformedError(f"The model does not say which operator set of {title} it uses.")
        return _ANY_OPSET
    if len(found) > 1:
        raise MalformedError(
            f"The model names several versions of the operator set of {title}: {sorted(found)}."
        )
    return int(found.pop())


def _converted(proto: Any, version: int) -> str | None:
    """Convert what is older than :data:`MIN_OPSET`; say so.

    Raises:
        UnsupportedError: too new, or an operator that cannot be converted.
    """
    onnx = require("onnx", "onnx", "reading an ONNX model")
    newest = onnx.defs.onnx_opset_version()
    if not 1 <= version <= newest:
        raise UnsupportedError(
            f"ONNX operator set {version} is not within 1 to {newest}, which the installed onnx "
            f"{onnx.__version__} knows.",
            hint="Upgrade onnx and onnxruntime, or export again with opset 18.",
        )
    if version >= MIN_OPSET:
        return None
    converter = require("onnx.version_converter", "onnx", "converting an ONNX model")
    bare = outline(proto)
    bare.ir_version = max(MIN_IR_VERSION, bare.ir_version)
    try:
        bare = onnx.shape_inference.infer_shapes(bare)  # the old broadcasting needs shapes
        take_graph(proto, converter.convert_version(bare, MIN_OPSET))
    except Exception as error:
        # the converter's errors share no base class
        raise UnsupportedError(
            f"ONNX operator set {version} is older than {MIN_OPSET}, and the model cannot be "
            f"converted: {str(error)[:300]}",
            hint="Export again with opset 18.",
        ) from None
    return f"operator set {version} converted to {MIN_OPSET}"


def _name(graph: Any) -> None:
    """A name for the graph, and one of their own for nodes that share one."""
    graph.name = "model"
    taken = {node.name for node in graph.node}
    seen: set[str] = set()
    for index, node in enumerate(graph.node):
        if node.domain in STANDARD:
            node.domain = ""  # "ai.onnx" is its other name
        if node.name in seen:
            while node.name in taken:
                node.name += f"_{index}"
            taken.add(node.name)
        if node.name:
            seen.add(node.name)
