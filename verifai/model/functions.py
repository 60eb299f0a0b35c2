"""Functions that a model defines for itself, written out where they are called.

A file of a few kilobytes can define functions that call each other twice, forty deep: what they
come to is counted before anything is written out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from verifai.errors import LimitError, MalformedError, UnsupportedError
from verifai.extras import require
from verifai.limits import MAX_CALL_DEPTH, MAX_INLINED_BYTES, MAX_NODES
from verifai.model.outline import outline, take_graph
from verifai.model.structure import STANDARD, every_graph, subgraphs_of

Key: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True)
class _Size:
    """What nodes come to when all calls in them are written out."""

    nodes: int
    bytes: int


def inline_functions(proto: Any) -> str | None:
    """Write out all calls of the functions that ``proto``, a ``ModelProto``, defines.

    Returns:
        What was done, in words; None if there are no functions.

    Raises:
        MalformedError: a function that is defined twice, calls itself, stands for an operator of
            ONNX, or cannot be written out.
        LimitError: calls nest too deep, or come to more than MAX_NODES nodes or MAX_INLINED_BYTES.
        UnsupportedError: a function of another version of ONNX that cannot be converted.
    """
    if not proto.functions:
        return None
    defined = {_key(function): function for function in proto.functions}
    if len(defined) != len(proto.functions):
        raise MalformedError("The model defines a function twice.")
    if any(domain in STANDARD for domain, _, _ in defined):
        raise MalformedError("The model defines a function that stands for an operator of ONNX.")
    sizes: dict[Key, _Size] = {}
    for each in every_graph(proto.graph):
        for node in each.node:
            _measure(_called(node), defined, sizes, ())
    graphs = every_graph(proto.graph)
    total = _total((node for each in graphs for node in each.node), defined, sizes)
    if total.nodes > MAX_NODES:
        raise LimitError(
            f"With its functions written out the model has {total.nodes:,} nodes; MAX_NODES is "
            f"{MAX_NODES:,}."
        )
    if total.bytes > MAX_INLINED_BYTES:
        raise LimitError(
            f"With its functions written out the model's graph takes {total.bytes:,} bytes; "
            f"MAX_INLINED_BYTES is {MAX_INLINED_BYTES:,}."
        )
    take_graph(proto, _inlined(outline(proto)))
    return f"{len(defined)} local function(s) written out"


def _key(function: Any) -> Key:
    return function.domain, function.name, function.overload


def _called(node: Any) -> Key:
    return node.domain, node.op_type, node.overload


def _measure(
    key: Key, defined: dict[Key, Any], sizes: dict[Key, _Size], above: tuple[Key, ...]
) -> None:
    """The size of a function and of all that it calls."""
    if key not in defined or key in sizes:
        return
    if key in above:
        raise MalformedError(f"The function {key[1][:80]!r} calls itself.")
    if len(above) >= MAX_CALL_DEPTH:
        raise LimitError(f"Calls of functions nest deeper than MAX_CALL_DEPTH ({MAX_CALL_DEPTH}).")
    nodes = [
        *defined[key].node,
        *(n for graph in subgraphs_of(defined[key].node) for n in graph.node),
    ]
    for node in nodes:
        _measure(_called(node), defined, sizes, (*above, key))
    sizes[key] = _total(nodes, defined, sizes)


def _total(nodes: Iterable[Any], defined: dict[Key, Any], sizes: dict[Key, _Size]) -> _Size:
    count = length = 0
    for node in nodes:
        inner = sizes.get(_called(node))
        count += inner.nodes if inner else 1
        length += node.ByteSize() + (inner.bytes if inner else 0)
    return _Size(count, length)


def _inlined(bare: Any) -> Any:
    inliner = require("onnx.inliner", "onnx", "reading an ONNX model")
    try:
        made = inliner.inline_local_functions(bare, convert_version=True)
    except Exception as error:
        # the errors of the inliner share no base class
        raise MalformedError(
            f"The model's local functions cannot be written out: {str(error)[:300]}"
        ) from None
    if made.functions:
        names = ", ".join(repr(function.name[:80]) for function in made.functions[:20])
        raise UnsupportedError(
            f"The local function(s) {names} cannot be written out: they use another version of "
            "ONNX's operator set.",
            hint="Export the model again with one operator set.",
        )
    return made
