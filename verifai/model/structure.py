"""What a graph must obey before anything else looks at it.

onnx's own checker is written for honest files; these checks come first and are linear in the size
of the file. (Bug classes: dangling and duplicate names, cycles, overflowing dimensions, sizes that
disagree with data, deep nesting.)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
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

#: ONNX's operator set, by its two names, and its operator set of classical machine learning.
STANDARD: Final = ("", "ai.onnx")
ML: Final = "ai.onnx.ml"
#: The attribute of tree ensembles that lists sets of numbers, each ended by NaN.
_SETS: Final = "membership_values"
#: Elements that are looked at together.
_PIECE: Final = 1 << 20


def check_structure(proto: Any) -> None:
    """Check the graph of a ``ModelProto`` whose functions are written out, but for its tensors.

    Raises:
        MalformedError, LimitError: the file is no well-formed model, or is too large.
    """
    if not proto.HasField("graph") or not proto.graph.node:
        raise MalformedError("The ONNX file holds no graph, or one without nodes.")
    graphs = list(every_graph(proto.graph))
    count = sum(len(each.node) for each in graphs)
    if count > MAX_NODES:
        raise LimitError(f"The model has {count} nodes; MAX_NODES is {MAX_NODES}.")
    _check_names(proto.graph)


def check_text(proto: Any) -> None:
    """What names things in a ``ModelProto`` is text.

    Raises:
        MalformedError: it is other bytes.
    """
    graphs = list(every_graph(proto.graph))
    for function in proto.functions:
        graphs += subgraphs_of(function.node)
    nodes = [
        *(n for each in graphs for n in each.node),
        *(n for f in proto.functions for n in f.node),
    ]
    values = [value for each in graphs for value in (*each.input, *each.output)]
    names = [
        *(name for f in proto.functions for name in (f.name, f.domain, f.overload)),
        *(name for node in nodes for name in (node.name, node.op_type, node.domain, node.overload)),
        *(name for node in nodes for name in (*node.input, *node.output)),
        *(attribute.name for node in nodes for attribute in node.attribute),
        *(value.name for value in values),
        *(dim.dim_param for value in values for dim in value.type.tensor_type.shape.dim),
        *(tensor.name for each in graphs for tensor in each.initializer),
        *(entry.domain for entry in proto.opset_import),
    ]
    if not all(isinstance(name, str) for name in names):
        raise MalformedError("A name in the ONNX file is no text.")


def check_tensors(graph: Any) -> None:
    """Check all tensors of a ``GraphProto``, which are all inside the file.

    Raises:
        MalformedError, LimitError: as :func:`check_tensor`.
        UnsupportedError: weights that are strings.
    """
    strings = require("onnx", "onnx", "reading an ONNX model").TensorProto.STRING
    nodes = (node for each in every_graph(graph) for node in each.node)
    sets = [a.t for node in nodes for a in node.attribute if a.name == _SETS]
    for tensor in tensors(every_graph(graph)):
        check_tensor(tensor, nan=any(tensor is one for one in sets))
    for tensor in graph.initializer:
        if tensor.data_type == strings:
            raise UnsupportedError(f"Weight {tensor.name[:80]!r} holds strings.")


def foreign(graph: Any) -> list[UnsupportedError]:
    """What is wrong with nodes of other operator sets than ONNX's, in one error; none if none."""
    found = [
        {"node": node.name or node.op_type, "operator": f"{node.domain}.{node.op_type}"}
        for each in every_graph(graph)
        for node in each.node
        if node.domain not in STANDARD and node.domain != ML
    ]
    if not found:
        return []
    shown = ", ".join(f"{item['node']} ({item['operator']})" for item in found[:20])
    more = f" and {len(found) - 20} more" if len(found) > 20 else ""
    return [
        UnsupportedError(
            f"{len(found)} node(s) are not of the ONNX standard: {shown}{more}.",
            hint="Export the model without fused operators of one runtime.",
            nodes=found,
        )
    ]


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


def check_tensor(tensor: Any, *, nan: bool = False) -> None:
    """Name, shape and size of one ``TensorProto``; infinities are numbers here, as in masks, and
    NaN if it is said so.
    """
    onnx = require("onnx", "onnx", "reading an ONNX model")
    what = f"Weight {tensor.name[:80]!r}"
    check_shape(list(tensor.dims), what, zero_allowed=True)
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        raise MalformedError(f"{what} lies outside the file.")
    try:
        array = onnx.numpy_helper.to_array(tensor)
    except Exception as error:
        # Wrong sizes and unknown types surface as various exceptions of numpy and protobuf.
        raise MalformedError(f"{what} does not hold what its shape says: {error}.") from None
    if array.shape != tuple(tensor.dims):
        raise MalformedError(f"{what} does not hold what its shape says.")
    if not nan and _holds_nan(array):
        raise MalformedError(f"{what} holds NaN: no result could come of it.")


def _holds_nan(array: np.ndarray[Any, Any]) -> bool:
    """Piece by piece: weights may take as much room as there is."""
    if array.dtype.kind in "iubO" or "int" in array.dtype.name:  # ml_dtypes has integers of 4 bits
        return False
    flat = array.reshape(-1)
    pieces = range(0, flat.size, _PIECE)
    return any(bool(np.isnan(flat[start : start + _PIECE]).any()) for start in pieces)


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
    yield from subgraphs_of(graph.node, depth)


def subgraphs_of(nodes: Iterable[Any], depth: int = 0) -> Iterator[Any]:
    """The graphs that nodes hold, and those in them.

    Raises:
        LimitError: they nest too deep.
    """
    for attribute in (attribute for node in nodes for attribute in node.attribute):
        for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
            yield from every_graph(inner, depth + 1)


def tensors(graphs: Iterable[Any]) -> Iterator[Any]:
    """The tensors of these graphs, those in attributes and the parts of sparse ones included."""
    for graph in graphs:
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
        yield from tensors_of(graph.node)


def tensors_of(nodes: Iterable[Any]) -> Iterator[Any]:
    """The tensors in the attributes of nodes."""
    for attribute in (attribute for node in nodes for attribute in node.attribute):
        yield from attribute.tensors
        if attribute.HasField("t"):
            yield attribute.t
        packed = (attribute.sparse_tensor,) if attribute.HasField("sparse_tensor") else ()
        for sparse in (*packed, *attribute.sparse_tensors):
            yield from (sparse.values, sparse.indices)


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
