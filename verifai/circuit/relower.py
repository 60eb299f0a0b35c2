"""A native circuit's parameters, and its operation table made again from what the circuit holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from verifai.circuit.lower import LoweredCircuit, lower
from verifai.circuit.visibility import Visibility
from verifai.errors import MalformedError, UnsupportedError, UsageError
from verifai.graph import IntegerGraph
from verifai.proof import codec
from verifai.verifier.native.verify import VERSION

if TYPE_CHECKING:
    from verifai.circuit.artefact import Circuit

PROTOCOL: Final = VERSION


def parameters(
    visibility: Visibility,
    log_columns: int | None,
    lowered: LoweredCircuit,
    padded: bool = False,
) -> bytes:
    """What the circuit's digest covers besides the header: visibility, columns, the table."""
    header = {
        "protocol": PROTOCOL,
        "visibility": visibility.to_json(),
        "log_columns": log_columns,
        "zero_knowledge": lowered.operations.hiding,
        "table": codec.digest("operation-table/1", lowered.table),
        **({"padded": True} if padded else {}),
    }
    return codec.canonical_json(header)


def relower(circuit: Circuit) -> tuple[IntegerGraph, LoweredCircuit]:
    """The graph that a circuit holds, and its operation table, made again.

    Raises:
        MalformedError: the circuit's parts do not belong together.
    """
    graph = IntegerGraph.from_bytes(circuit.compiled)
    header = codec.parse_canonical_json(bytes(circuit.parameters))
    padding = ("padded",) if isinstance(header, dict) and header.get("padded") is True else ()
    fields = codec.exact_fields(
        header,
        ("protocol", "visibility", "log_columns", "zero_knowledge", "table", *padding),
        "Circuit parameters",
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
            padded=bool(padding),
        )
    except (UsageError, UnsupportedError) as error:  # no circuit that we wrote
        raise MalformedError(f"The circuit's parameters do not fit it: {error.message}") from None
    if parameters(visibility, columns, lowered, bool(padding)) != bytes(circuit.parameters):
        raise MalformedError(
            "The circuit's graph does not give the operation table that the circuit names.",
            hint="Compile the model again: the file is damaged, or of another version.",
        )
    return graph, lowered
