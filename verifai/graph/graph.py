"""The integer graph as an artefact: validated, immutable, with one binary form."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, Final

import numpy as np

from verifai.errors import InternalError, MalformedError, UnsupportedError
from verifai.graph.integer import (
    Affine,
    Einsum,
    Graph,
    Indices,
    Input,
    Integers,
    Linear,
    Lookup,
    Maximum,
    Node,
    Operation,
    Requantise,
    Reshape,
    Table,
    View,
    Weight,
)
from verifai.graph.validate import validate
from verifai.limits import MAX_ARTEFACT_BYTES
from verifai.proof import codec
from verifai.proof.codec import Section, exact_fields

KIND: Final = b"IGRF"
VERSION: Final = 1


class IntegerGraph(Graph):
    """A graph that has rules to obey and one binary form."""

    def validate(self) -> None:
        """Every rule of :mod:`verifai.graph.integer`.

        Raises:
            InternalError: a rule is broken; the message names the node.
            UnsupportedError: a tensor may leave 62 bits; the message names the node.
        """
        validate(self)

    def summary(self) -> dict[str, int]:
        """How many nodes there are of each operation."""
        return dict(Counter(type(node.operation).__name__ for node in self.nodes))

    def to_bytes(self) -> bytes:
        """The canonical encoding: structure as JSON, integers as little-endian int64."""
        arrays: list[Integers] = []
        header = self._header(arrays)
        data = b"".join(array.astype(_dtype(array), copy=False).tobytes() for array in arrays)
        return codec.pack(KIND, VERSION, header, (data,))

    def _header(self, arrays: list[Integers]) -> dict[str, Any]:
        """The structure; the integers are appended to ``arrays`` in the order of the encoding."""
        return {
            "nodes": [_node_json(node, arrays) for node in self.nodes],
            "inputs": list(self.inputs),
            "outputs": list(self.outputs),
            "tables": [
                _array_json(table.outputs, arrays) | {"first": table.first} for table in self.tables
            ],
            "input_names": list(self.input_names),
            "output_names": list(self.output_names),
            "input_shapes": [list(shape) for shape in self.input_shapes],
            "output_shapes": [list(shape) for shape in self.output_shapes],
        }

    @classmethod
    def from_bytes(cls, data: Section) -> IntegerGraph:
        """Read :meth:`to_bytes`' encoding; strict. Weights stay where they lie in ``data``.

        Raises:
            MalformedError: not the canonical encoding of a valid graph.
        """
        header, (section,) = codec.unpack(data, KIND, VERSION, 1, limit=MAX_ARTEFACT_BYTES)
        names = (
            "nodes",
            "inputs",
            "outputs",
            "tables",
            "input_names",
            "output_names",
            "input_shapes",
            "output_shapes",
        )
        fields = exact_fields(header, names, "An integer graph")
        reader = _Arrays(section)
        try:
            graph = cls(
                tuple(_node_of(item, reader) for item in fields["nodes"]),
                tuple(fields["inputs"]),
                tuple(fields["outputs"]),
                tuple(
                    Table(item["first"], reader.take(item).astype(np.int64))
                    for item in fields["tables"]
                ),
                tuple(fields["input_names"]),
                tuple(fields["output_names"]),
                tuple(tuple(shape) for shape in fields["input_shapes"]),
                tuple(tuple(shape) for shape in fields["output_shapes"]),
            )
            reader.done()
            graph.validate()
            if graph._header([]) != header:  # the integers are those of the encoding
                raise MalformedError("Not the canonical encoding of an integer graph.")
        except MalformedError:
            raise
        except (
            KeyError,
            TypeError,
            ValueError,
            IndexError,
            AttributeError,
            InternalError,
            UnsupportedError,
        ) as error:
            raise MalformedError(f"Not an integer graph: {error}.") from None
        return graph

    def __repr__(self) -> str:
        counts = ", ".join(f"{name} {count}" for name, count in sorted(self.summary().items()))
        return f"IntegerGraph({len(self.nodes)} nodes: {counts})"


def _dtype(array: Integers) -> str:
    """The narrowest of int16, int32 and int64 that holds the array."""
    low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
    for bits in (16, 32):
        if -(1 << bits - 1) <= low and high < 1 << bits - 1:
            return f"<i{bits // 8}"
    return "<i8"


def _array_json(array: Integers, arrays: list[Integers]) -> dict[str, Any]:
    arrays.append(array)
    return {"values": list(array.shape), "dtype": _dtype(array)}


class _Arrays:
    """Takes arrays out of the binary section, in order."""

    def __init__(self, data: memoryview) -> None:
        self.data, self.at = data, 0

    def take(self, item: dict[str, Any]) -> Integers:
        shape, dtype = tuple(item["values"]), item["dtype"]
        if dtype not in ("<i2", "<i4", "<i8") or not all(type(d) is int and d > 0 for d in shape):
            raise MalformedError("An array of an integer graph has positive axes and int dtype.")
        count = math.prod(shape)
        size = count * int(dtype[2])
        if self.at + size > len(self.data):
            raise MalformedError("The integer graph's arrays are cut short.")
        flat: Integers = np.frombuffer(self.data, dtype, count, self.at)
        self.at += size
        return flat.reshape(shape)

    def done(self) -> None:
        if self.at != len(self.data):
            raise MalformedError("Bytes follow after the integer graph's arrays.")


def _node_json(node: Node, arrays: list[Integers]) -> dict[str, Any]:
    operation = node.operation
    body: dict[str, Any] = {
        "op": type(operation).__name__,
        "shape": list(node.shape),
        "low": node.low,
        "high": node.high,
        "scale": node.scale,
        "batched": node.batched,
        "name": node.name,
    }
    if isinstance(operation, Weight):
        body |= _array_json(operation.values, arrays)
    elif isinstance(operation, View):
        body |= {"source": operation.source, "axes": [_map_json(axis) for axis in operation.axes]}
    elif isinstance(operation, Linear):
        body |= {"terms": [list(term) for term in operation.terms], "offset": operation.offset}
    elif isinstance(operation, Einsum):
        body |= {
            "left": operation.left,
            "right": operation.right,
            "labels": list(operation.labels),
        }
    elif isinstance(operation, Maximum):
        body |= {
            "source": operation.source,
            "axes": list(operation.axes),
            "floor": operation.floor,
        }
    else:
        body |= vars(operation)
    return body


def _map_json(axis: Affine | Indices) -> dict[str, Any]:
    if isinstance(axis, Affine):
        return {"offset": axis.offset, "terms": [list(term) for term in axis.terms]}
    return {"axis": axis.axis, "indices": list(axis.indices)}


def _node_of(item: dict[str, Any], arrays: _Arrays) -> Node:
    operation: Operation
    match item["op"]:
        case "Input":
            operation = Input(item["position"])
        case "Weight":
            operation = Weight(arrays.take(item))
        case "View":
            operation = View(item["source"], tuple(_map_of(axis) for axis in item["axes"]))
        case "Reshape":
            operation = Reshape(item["source"])
        case "Linear":
            operation = Linear(tuple((c, s) for c, s in item["terms"]), item["offset"])
        case "Einsum":
            left, right, out = item["labels"]
            operation = Einsum(item["left"], item["right"], (left, right, out))
        case "Requantise":
            operation = Requantise(item["source"], item["shift"], item["floor"])
        case "Maximum":
            operation = Maximum(item["source"], tuple(item["axes"]), item["floor"])
        case "Lookup":
            operation = Lookup(item["source"], item["table"])
        case _:
            raise MalformedError(f"Unknown operation {item['op']!r}.")
    return Node(
        operation,
        tuple(item["shape"]),
        item["low"],
        item["high"],
        item["scale"],
        item["batched"],
        item["name"],
    )


def _map_of(item: dict[str, Any]) -> Affine | Indices:
    if "indices" in item:
        return Indices(item["axis"], tuple(item["indices"]))
    return Affine(item["offset"], tuple((axis, c) for axis, c in item["terms"]))
