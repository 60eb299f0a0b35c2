"""The integer graph as an artefact: validated, immutable, with one binary form."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, Final, get_args

import numpy as np

from verifai.errors import InternalError, MalformedError, UnsupportedError
from verifai.graph.integer import (
    Affine,
    Graph,
    Indices,
    Integers,
    Node,
    Operation,
    Table,
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
        nodes = [_node_json(node, arrays) for node in self.nodes]
        tables = [
            _array_json(table.outputs, arrays) | {"first": table.first} for table in self.tables
        ]
        header: dict[str, Any] = _as_json(vars(self) | {"nodes": nodes, "tables": tables})
        return header

    @classmethod
    def from_bytes(cls, data: Section) -> IntegerGraph:
        """Read :meth:`to_bytes`' encoding; strict. Weights stay where they lie in ``data``.

        Raises:
            MalformedError: not the canonical encoding of a valid graph.
        """
        header, (section,) = codec.unpack(data, KIND, VERSION, 1, limit=MAX_ARTEFACT_BYTES)
        names = [field.name for field in fields(cls)]
        given = exact_fields(header, names, "An integer graph")
        reader = _Arrays(section)
        try:
            nodes = tuple(_node_of(item, reader) for item in given["nodes"])
            tables = tuple(
                Table(item["first"], reader.take(item).astype(np.int64)) for item in given["tables"]
            )
            graph = cls(**_fields(cls, given | {"nodes": nodes, "tables": tables}))
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
    """The fields of a node and those of its operation, side by side."""
    operation = node.operation
    body = vars(node) | vars(operation) | {"op": type(operation).__name__}
    del body["operation"]
    return body | _array_json(operation.values, arrays) if isinstance(operation, Weight) else body


def _as_json(value: Any) -> Any:
    """Tuples as lists, and maps of axes by their fields."""
    if isinstance(value, (tuple, list)):
        return [_as_json(item) for item in value]
    if isinstance(value, (Affine, Indices)):
        value = vars(value)
    if isinstance(value, dict):
        return {name: _as_json(item) for name, item in value.items()}
    return value


def _node_of(item: dict[str, Any], arrays: _Arrays) -> Node:
    kind = _OPERATIONS.get(item["op"])
    if kind is None:
        raise MalformedError(f"Unknown operation {item['op']!r}.")
    own = item | {"values": arrays.take(item)} if kind is Weight else item
    operation = kind(**_fields(kind, own))
    return Node(**_fields(Node, item | {"operation": operation}))


def _fields(kind: type[Any], item: dict[str, Any]) -> dict[str, Any]:
    """The fields of a dataclass; those that hold tuples are lists in JSON."""
    return {
        field.name: _TUPLES.get(field.name, _as_it_is)(item[field.name]) for field in fields(kind)
    }


def _as_it_is(value: Any) -> Any:
    return value


def _tuples(value: Sequence[Sequence[Any]]) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple(item) for item in value)


def _axes(value: Sequence[Any]) -> tuple[Any, ...]:
    """Of a view the map of each axis, of a maximum the axes' numbers."""
    return tuple(_map_of(item) if isinstance(item, dict) else item for item in value)


def _map_of(item: dict[str, Any]) -> Affine | Indices:
    kind = Indices if "indices" in item else Affine
    return kind(**_fields(kind, item))


#: Operations by their name in JSON.
_OPERATIONS: Final[dict[str, type[Any]]] = {kind.__name__: kind for kind in get_args(Operation)}
#: How fields that hold tuples are read, by name.
_TUPLES: Final[dict[str, Callable[[Any], Any]]] = {
    "axes": _axes,
    "indices": tuple,
    "input_names": tuple,
    "input_shapes": _tuples,
    "inputs": tuple,
    "labels": tuple,
    "output_names": tuple,
    "output_shapes": _tuples,
    "outputs": tuple,
    "shape": tuple,
    "terms": _tuples,
}
