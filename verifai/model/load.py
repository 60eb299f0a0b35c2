"""ONNX files, from strangers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final, TypeAlias

from verifai.errors import MalformedError, UnsupportedError
from verifai.extras import require
from verifai.limits import MAX_ONNX_BYTES
from verifai.model.external import inline_external_data
from verifai.model.inputs import TensorInfo
from verifai.model.structure import check_structure, element_type, every_graph, static_shape
from verifai.proof.files import read_regular

#: First bytes of formats that can run code when they are opened. They are refused by name.
_PICKLES: Final = {
    b"\x80": "a pickle",
    b"PK\x03\x04": "a zip archive (torch checkpoints are one, with a pickle inside)",
    b"\x93NUMPY": "a numpy array",
}
#: Operators of tabular models.
ML_DOMAIN: Final = "ai.onnx.ml"
MIN_OPSET: Final = 7
MAX_OPSET: Final = 24
#: From this version of the file format on a weight need not be an input.
MIN_IR_VERSION: Final = 4


#: A model's file in canonical form, its inputs and its outputs.
Parts: TypeAlias = tuple[bytes, tuple[TensorInfo, ...], tuple[TensorInfo, ...]]


def read(source: str | os.PathLike[str] | bytes) -> Parts:
    """The parts of an ONNX model, as :func:`verifai.model.load` takes it."""
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
    inline_external_data(proto, folder)
    check_structure(proto)
    _standardise(proto)
    try:
        onnx.checker.check_model(proto, full_check=False)
    except Exception as error:
        raise MalformedError(f"Not a valid ONNX model: {str(error)[:500]}") from None
    return _canonical(proto)


def _canonical(proto: Any) -> Parts:
    """A checked ``ModelProto`` with everything dropped that is not meaning."""
    weights = {tensor.name for tensor in proto.graph.initializer}
    inputs = [value for value in proto.graph.input if value.name not in weights]
    if not inputs or not proto.graph.output:
        raise UnsupportedError("The model has no input or no output: there is nothing to prove.")
    shapes = tuple(_info(value, "Input") for value in inputs)
    results = tuple(_info(value, "Output") for value in proto.graph.output)
    if len({info.name for info in results}) < len(results):
        raise MalformedError("The model lists one output twice.")
    for name in ("producer_name", "producer_version", "domain", "doc_string", "model_version"):
        proto.ClearField(name)
    del proto.metadata_props[:]
    for graph in every_graph(proto.graph):
        _strip(graph)
    del proto.graph.input[:]
    proto.graph.input.extend(inputs)
    return proto.SerializeToString(deterministic=True), shapes, results


def _strip(graph: Any) -> None:
    """Drop documentation, metadata, and shape annotations that anyone can infer again."""
    graph.doc_string = ""
    del graph.value_info[:]
    del graph.metadata_props[:]
    del graph.quantization_annotation[:]
    for item in (*graph.input, *graph.output, *graph.initializer):
        item.doc_string = ""
        del item.metadata_props[:]
    for node in graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
        for attribute in node.attribute:
            attribute.doc_string = ""


def _standardise(proto: Any) -> None:
    """The header that the standard asks for, of a file whose writer cared less.

    One operator set, the version of the format that it needs, and a name for the graph. In the
    formats before :data:`MIN_IR_VERSION` every weight is an input as well, which here none is.
    """
    helper = require("onnx", "onnx", "reading an ONNX model").helper
    standard = {entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")}
    if not standard:
        raise MalformedError("The model does not say which ONNX operator set it uses.")
    if len(standard) > 1:
        raise MalformedError(
            f"The model names several versions of ONNX's operator set: {sorted(standard)}."
        )
    (version,) = standard
    if not MIN_OPSET <= version <= MAX_OPSET:
        raise UnsupportedError(
            f"ONNX operator set {version} is not within {MIN_OPSET} to {MAX_OPSET}.",
            hint="Export again with opset 18.",
        )
    tabular = {entry.version for entry in proto.opset_import if entry.domain == ML_DOMAIN}
    del proto.opset_import[:]
    proto.opset_import.append(helper.make_opsetid("", version))
    if any(node.domain == ML_DOMAIN for node in proto.graph.node):
        proto.opset_import.append(helper.make_opsetid(ML_DOMAIN, max(tabular, default=1)))
    needed = helper.find_min_ir_version_for(proto.opset_import, ignore_unknown=True)
    proto.ir_version = max(MIN_IR_VERSION, needed)
    for graph in every_graph(proto.graph):
        _name(graph)


def _name(graph: Any) -> None:
    """A name for the graph, and one of their own for nodes that share one."""
    graph.name = "model"
    taken = {node.name for node in graph.node}
    seen: set[str] = set()
    for index, node in enumerate(graph.node):
        if node.domain == "ai.onnx":  # another name of the standard's own
            node.domain = ""
        if node.name in seen:
            while node.name in taken:
                node.name += f"_{index}"
            taken.add(node.name)
        if node.name:
            seen.add(node.name)


def _info(value: Any, role: str) -> TensorInfo:
    dtype = element_type(value, role)
    return TensorInfo(value.name, static_shape(value, role), dtype.name)
