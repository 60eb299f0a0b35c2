"""A native circuit's parameters, and what follows from them and its graph: the operation table."""

from __future__ import annotations

from typing import Final, NamedTuple

from verifai.circuit.lower import lower
from verifai.circuit.lowered import LoweredCircuit
from verifai.circuit.visibility import Visibility
from verifai.errors import MalformedError, UnsupportedError, UsageError
from verifai.graph import IntegerGraph
from verifai.proof import codec
from verifai.proof.codec import Section
from verifai.verifier.native.verify import VERSION

_FIELDS: Final = ("protocol", "visibility", "log_columns", "zero_knowledge", "table")


class Restored(NamedTuple):
    """What a circuit's file holds in short: its integer graph, and the graph as a table."""

    graph: IntegerGraph
    lowered: LoweredCircuit


def parameters(
    visibility: Visibility, log_columns: int | None, lowered: LoweredCircuit, outer_axes: bool
) -> bytes:
    """What the circuit's digest covers besides the header: visibility, layout, the table.

    ``outer_axes`` stands there only if there are none, as in circuits for a contract.
    """
    header = {
        "protocol": VERSION,
        "visibility": visibility.to_json(),
        "log_columns": log_columns,
        "zero_knowledge": lowered.operations.hiding,
        "table": codec.digest("operation-table/1", lowered.table),
        **({} if outer_axes else {"outer_axes": False}),
    }
    return codec.canonical_json(header)


def restore(compiled: Section, stated: bytes) -> Restored:
    """The graph that a circuit holds, and its operation table, made again.

    Ask :attr:`Circuit.restored`, which does this once.

    Args:
        compiled: the graph's bytes.
        stated: the circuit's parameters, which name the table that must come out.

    Raises:
        MalformedError: the circuit's parts do not belong together.
    """
    graph = IntegerGraph.from_bytes(compiled)
    header = codec.parse_canonical_json(stated)
    outer_axes = not (isinstance(header, dict) and header.get("outer_axes") is False)
    fields = codec.exact_fields(
        header, _FIELDS if outer_axes else (*_FIELDS, "outer_axes"), "Circuit parameters"
    )
    shown = codec.exact_fields(fields["visibility"], ("input", "output", "weights"), "Visibility")
    columns = fields["log_columns"]
    if not (columns is None or type(columns) is int):
        raise MalformedError("log_columns of a circuit is an integer or null.")
    try:
        visibility = Visibility(**shown)
        lowered = lower(
            graph,
            visibility,
            log_columns=columns,
            hiding=fields["zero_knowledge"] is True,
            outer_axes=outer_axes,
        )
    except (UsageError, UnsupportedError) as error:  # no circuit that we wrote
        raise MalformedError(f"The circuit's parameters do not fit it: {error.message}") from None
    if parameters(visibility, columns, lowered, outer_axes) != stated:
        raise MalformedError(
            "The circuit's graph does not give the operation table that the circuit names.",
            hint="Compile the model again: the file is damaged, or of another version.",
        )
    return Restored(graph, lowered)
