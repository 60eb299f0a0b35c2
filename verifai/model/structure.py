"""What a graph must obey before anything else looks at it.

onnx's own checker is written for honest files; these checks come first and are linear in the size
of the file. (Bug classes: dangling and duplicate names, cycles, overflowing dimensions, sizes that
disagree with data, deep nesting.)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np

from verifai.errors import LimitError, MalformedError, UnsupportedError
from verifai.extras import require
from verifai.limits import (
    MAX_NAME_LENGTH,
    MAX_NODES,
    MAX_RANK,
    MAX_SUBGRAPH_DEPTH,
    MAX_TENSOR_ELEMENTS,
)

_KNOWN_DOMAINS: Final = ("", "ai.onnx")


def check_structure(proto: Any) -> None:
    """Check a ``ModelProto`` whose tensors are all inside the file.

    Raises:
        MalformedError, LimitError: the file is no well-formed model, or is too large.
        UnsupportedError: operators of another domain, model-local functions, sparse weights, inputs
            and outputs without a static shape of numbers; all that there are, in one message.
    """
    if not proto.HasField("graph") or not proto.graph.node:
        raise MalformedError("The ONNX file holds no graph, or one without nodes.")
    graph = proto.graph
    graphs = list(every_graph(graph))
    count = sum(len(each.node) for each in graphs)
    if count > MAX_NODES:
        raise LimitError(f"The model has {count} nodes; MAX_NODES is {MAX_NODES}.")
    for attribute in attributes(graphs):
        if attribute.HasField("t"):
            check_tensor(attribute.t)
    foreign = [
        {"node": node.name or node.op_type, "operator": f"{node.domain}.{node.op_type}"}
        for node in graph.node
        if node.domain not in _KNOWN_DOMAINS
    ]
    problems = [*_outside_the_standard(proto, foreign), *_without_static_shape(graph)]
    if problems:
        raise UnsupportedError(
            " ".join(problem.message for problem in problems),
            hint=" ".join(dict.fromkeys(p.hint for p in problems if p.hint)) or None,
            **({"nodes": foreign} if foreign else {}),
        )
    for tensor in graph.initializer:
        check_tensor(tensor)
    _check_names(graph)


def _outside_the_standard(proto: Any, foreign: Sequence[dict[str, str]]) -> list[UnsupportedError]:
    problems = []
    if proto.functions:
        problems.append(
            UnsupportedError(
                f"The model defines {len(proto.functions)} local function(s), "
                f"first {proto.functions[0].name!r}.",
                hint="Inline them: onnx.inliner.inline_local_functions(model).",
            )
        )
    if proto.graph.sparse_initializer:
        problems.append(UnsupportedError("The model has sparse weights; store them dense."))
    if foreign:
        shown = ", ".join(f"{item['node']} ({item['operator']})" for item in foreign[:20])
        problems.append(
            UnsupportedError(f"{len(foreign)} node(s) are not of the ONNX standard: {shown}.")
        )
    return problems


def _without_static_shape(graph: Any) -> list[UnsupportedError]:
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [("Input", value) for value in graph.input if value.name not in weights]
    problems = []
    for role, value in [*inputs, *(("Output", value) for value in graph.output)]:
        try:
            static_shape(value, role)
            element_type(value, role)
        except UnsupportedError as error:
            problems.append(error)
    return problems


def element_type(value: Any, role: str) -> np.dtype[Any]:
    """The element type of a ``ValueInfoProto``.

    Raises:
        MalformedError: one that ONNX does not have.
        UnsupportedError: not numbers.
    """
    dtype = known_type(value.type.tensor_type.elem_type, f"{role} {value.name!r}")
    if dtype.kind not in "fiub":
        raise UnsupportedError(f"{role} {value.name!r} holds {dtype}, not numbers.")
    return dtype


def known_type(number: int, what: str) -> np.dtype[Any]:
    """The dtype of an element type of ONNX.

    Raises:
        MalformedError: one that ONNX does not have.
    """
    helper = require("onnx", "onnx", "reading an ONNX model").helper
    try:
        dtype: np.dtype[Any] = np.dtype(helper.tensor_dtype_to_np_dtype(number))
    except KeyError:
        raise MalformedError(f"{what} has no known element type.") from None
    return dtype


def static_shape(value: Any, role: str) -> tuple[int, ...]:
    """The static shape of a ``ValueInfoProto``.

    Raises:
        UnsupportedError: a symbolic or unknown dimension, named.
        MalformedError, LimitError: negative, or too many elements.
    """
    kind = value.type.WhichOneof("value")
    if kind != "tensor_type" or not value.type.tensor_type.HasField("shape"):
        raise UnsupportedError(f"{role} {value.name!r} is not a tensor of known shape.")
    shape = []
    for axis, dim in enumerate(value.type.tensor_type.shape.dim):
        if dim.WhichOneof("value") != "dim_value":
            raise UnsupportedError(
                f"{role} {value.name!r} has a dynamic axis {axis} "
                f"({dim.dim_param or 'unknown'!r}).",
                hint="Circuits are static: export with fixed shapes, e.g. batch size 1.",
            )
        shape.append(dim.dim_value)
    check_shape(shape, f"{role} {value.name!r}")
    return tuple(shape)


def check_tensor(tensor: Any) -> None:
    """Name, shape, size and finiteness of one ``TensorProto``."""
    onnx = require("onnx", "onnx", "reading an ONNX model")
    what = f"Weight {tensor.name[:80]!r}"
    check_shape(list(tensor.dims), what, zero_allowed=True)
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        raise MalformedError(f"{what} lies outside the file.")
    if tensor.data_type == onnx.TensorProto.STRING:
        raise UnsupportedError(f"{what} holds strings.")
    try:
        array = onnx.numpy_helper.to_array(tensor)
    except Exception as error:
        # Wrong sizes and unknown types surface as various exceptions of numpy and protobuf.
        raise MalformedError(f"{what} does not hold what its shape says: {error}.") from None
    if array.shape != tuple(tensor.dims):
        raise MalformedError(f"{what} does not hold what its shape says.")
    # a mask may hold minus infinity; where it is no mask, lowering refuses it
    if array.dtype.kind == "f" and not (array < np.inf).all():
        raise MalformedError(f"{what} holds NaN or infinity.")


def check_shape(shape: list[int], what: str, *, zero_allowed: bool = False) -> None:
    """Bounds of a shape.

    Raises:
        MalformedError, LimitError: a negative axis, too many axes or elements.
    """
    if len(shape) > MAX_RANK:
        raise LimitError(f"{what} has {len(shape)} axes; MAX_RANK is {MAX_RANK}.")
    if any(axis < 0 or (axis == 0 and not zero_allowed) for axis in shape):
        raise MalformedError(f"{what} has the impossible shape {shape}.")
    if math.prod(shape) > MAX_TENSOR_ELEMENTS:
        raise LimitError(f"{what} has shape {shape}: more than MAX_TENSOR_ELEMENTS elements.")


def every_graph(graph: Any, depth: int = 0) -> Iterator[Any]:
    """A ``GraphProto``, and those that its nodes hold.

    Raises:
        LimitError: they nest too deep.
    """
    if depth > MAX_SUBGRAPH_DEPTH:
        raise LimitError(f"Subgraphs nest deeper than MAX_SUBGRAPH_DEPTH ({MAX_SUBGRAPH_DEPTH}).")
    yield graph
    for attribute in attributes([graph]):
        for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
            yield from every_graph(inner, depth + 1)


def attributes(graphs: Iterable[Any]) -> Iterator[Any]:
    """The attributes of all nodes of these graphs."""
    return (attribute for graph in graphs for node in graph.node for attribute in node.attribute)


def _check_names(graph: Any) -> None:
    """Every name is written once, and before it is read: no cycles, no dangling edges."""
    written: set[str] = set()

    def write(name: str, what: str) -> None:
        if len(name) > MAX_NAME_LENGTH:
            raise LimitError(f"A name has {len(name)} characters; MAX_NAME_LENGTH is exceeded.")
        if name in written:
            raise MalformedError(f"{what} {name!r} is defined twice.")
        written.add(name)

    weights = {tensor.name for tensor in graph.initializer}
    for tensor in graph.initializer:
        write(tensor.name, "Weight")
    for value in graph.input:
        if value.name not in weights:
            write(value.name, "Input")
    for node in graph.node:
        if len(node.name) > MAX_NAME_LENGTH:
            raise LimitError("A node's name is longer than MAX_NAME_LENGTH.")
        for name in node.input:
            if name and name not in written:
                raise MalformedError(
                    f"Node {node.name or node.op_type!r} reads {name[:80]!r}, which nothing before "
                    "it writes: a dangling edge or a cycle."
                )
        for name in node.output:
            if name:
                write(name, "Tensor")
    for value in graph.output:
        if value.name not in written:
            raise MalformedError(f"Nothing writes the output {value.name[:80]!r}.")
