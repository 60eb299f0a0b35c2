"""The compact table: all that the verifier contract has to know of a circuit, as bytes.

It is a function of the operation table, the weights' commitments, the reference string and the
batch, so that an auditor makes it again and compares digests. docs/specs/evm-verifier.md is
normative.
"""

from __future__ import annotations

from typing import Final

from verifai.compact.claims import claims_of
from verifai.compact.frame import Frame
from verifai.compact.program import Program, program_of
from verifai.errors import MalformedError, UnsupportedError
from verifai.proof.codec import sha256
from verifai.proof.key import key_digest
from verifai.proof.reference_string import (
    CEREMONIES,
    DEVELOPMENT_SRS,
    ceremony_of,
    g2_bytes,
    srs_id,
)
from verifai.verifier.native.curve import G1_BYTES
from verifai.verifier.native.field import P
from verifai.verifier.native.keccak import keccak256
from verifai.verifier.native.linked import layout_digest, linked_rows

VERSION: Final = 2
#: Numbers of the reference strings that the contract knows, by :func:`srs_id`.
REFERENCE_STRINGS: Final = {
    srs_id(g2_bytes(*CEREMONIES["aztec-ignition"].tau_g2)): 0,
    DEVELOPMENT_SRS: 1,
}
#: Code of a contract ends here (EIP-170); its first byte is STOP.
MAX_TABLE_BYTES: Final = 24_575
#: Linked tensors: their number is one byte.
MAX_LINKED: Final = 255
#: Bytes before the first list.
HEADER_BYTES: Final = 188
#: Of them before the fields: digests of the key, of its header, of the operation table.
DIGEST_BYTES: Final = 96
#: Of a linked tensor: digest, first row, rows.
LINKED_BYTES: Final = 36
HIDING, PRODUCTS = 1, 2


def compact_table(
    header: bytes, table: bytes, commitments: bytes, tau_g2: bytes, batch: int
) -> bytes:
    """The compact table of a circuit.

    Args:
        header: digest of the key's header, 32 bytes.
        table: the operation table, canonical JSON.
        commitments: of the rows of the weight region, 64 bytes each.
        tau_g2: tau H2 of the reference string, 128 bytes.
        batch: how many inferences.

    Raises:
        MalformedError: the table breaks a rule, or the commitments do not fit it.
        UnsupportedError: a reference string that the contract does not know, or a circuit whose
            table is larger than the code of a contract may be.
    """
    string = srs_id(tau_g2)
    if string not in REFERENCE_STRINGS:
        name = ceremony_of(string)
        raise UnsupportedError(
            "The verifier contract does not know this reference string"
            + (f", the ceremony {name!r}." if name else "."),
            hint="Set up with srs='aztec-ignition' (verifai srs fetch aztec-ignition), or with the "
            "development string on a local chain.",
        )
    frame = Frame.read(table, batch)
    rows = frame.layout.rows
    if len(frame.layout.linked) > MAX_LINKED:
        raise UnsupportedError(
            f"{len(frame.layout.linked)} committed tensors; a compact table has at most "
            f"{MAX_LINKED}."
        )
    if len(commitments) != G1_BYTES * len(rows["weight"]):
        raise MalformedError(
            f"{len(commitments)} bytes of commitments, expected {len(rows['weight'])} points."
        )
    program = operations_of(frame)
    body = key_digest(header, table, commitments, tau_g2) + header + sha256(table)
    body += _header(frame, program, REFERENCE_STRINGS[string], batch)
    body += commitments + _tables(frame) + _program(program)
    body += _linked(frame, string)
    require_room(len(body))
    return body


def operations_of(frame: Frame) -> Program:
    """The operations that the contract runs for a circuit."""
    graph, outputs = claims_of(frame)
    return program_of(graph, outputs.nodes(), frame.circuit.word_count, outputs.checks)


def size_of(frame: Frame, program: Program) -> int:
    """Bytes of a compact table."""
    points = G1_BYTES * len(frame.layout.rows["weight"])
    linked = LINKED_BYTES * len(frame.layout.linked)
    return HEADER_BYTES + points + len(_tables(frame)) + len(_program(program)) + linked


def require_room(size: int) -> None:
    """Raise UnsupportedError if a compact table of ``size`` bytes is too large for a contract."""
    if size > MAX_TABLE_BYTES:
        raise UnsupportedError(
            f"The compact table of this circuit has {size:,} bytes; the code of a contract "
            f"has at most {MAX_TABLE_BYTES:,}.",
            hint="Fewer operators, smaller lookup tables (activation_bits=10), or fewer weight "
            "rows (log_columns): compile with target='evm', which finds the layout.",
        )


def circuit_id(compact: bytes) -> bytes:
    """The name of a circuit on chains: Keccak-256 of its code."""
    return keccak256(b"\0" + compact)


def input_word_bytes(compact: bytes) -> int:
    """Bytes of the inputs' public words, which come first among the words of a proof."""
    return 16 * int.from_bytes(compact[125:129], "big")


def table_batch(compact: bytes) -> int:
    """Inferences per proof."""
    return int.from_bytes(compact[133:137], "big")


def _header(frame: Frame, program: Program, srs: int, batch: int) -> bytes:
    layout, table = frame.layout, frame.table
    hiding = layout.hiding

    def base(block: int | None) -> int:
        return 0 if block is None else layout.blocks[block].base

    inputs = sum(tensor.visibility == "public" for tensor in table.inputs)
    first = sum(frame.word_counts[:inputs])
    fields: list[tuple[int, int]] = [
        (VERSION, 1),
        (HIDING * frame.hiding + PRODUCTS * bool(layout.products), 1),
        (srs, 1),
        (layout.log_columns, 1),
        (layout.variables, 1),
        (layout.cube, 1),
        (frame.rounds, 1),
        (len(table.tables), 1),
        (sum(1 << width for width in layout.widths), 2),
        (len(frame.instances), 2),
        (len(table.public), 2),
        (len(frame.plain), 2),
        (sum(frame.word_sizes), 2),
        (sum(frame.zero_sizes), 2),
        (len(program.narrow), 2),
        (len(program.wide), 2),
        (program.scalars, 2),
        (program.memory, 3),
        (first, 4),
        (frame.circuit.word_count - first, 4),
        (batch, 4),
        (layout.blocks[layout.entry_helpers[0]].base, 4),
        (layout.blocks[layout.counts[0]].base, 4),
        (base(hiding.slots if hiding else None), 4),
        (base(hiding.triples if hiding else None), 4),
        (base(hiding.pads if hiding else None), 4),
        (hiding.position if hiding else 0, 4),
    ]
    for region in ("weight", "input", "output", "witness", "helper", "mask"):
        rows = layout.rows[region]
        fields += [(rows.start, 2), (len(rows), 2)]
    fields += [(len(layout.linked), 1), (sum(map(len, layout.linked)), 2)]
    head = b"".join(value.to_bytes(size, "big") for value, size in fields)
    assert len(head) == HEADER_BYTES - DIGEST_BYTES
    return head


def _tables(frame: Frame) -> bytes:
    """Custom tables: first, entries, blocks, then the outputs less the least of them."""
    layout, body = frame.layout, b""
    for number, table in enumerate(frame.table.tables, 1):
        least = min(table.outputs)
        width = max(1, ((max(table.outputs) - least).bit_length() + 7) // 8)
        body += table.first.to_bytes(8, "big", signed=True)
        body += least.to_bytes(8, "big", signed=True)
        body += len(table.outputs).to_bytes(3, "big") + width.to_bytes(1, "big")
        body += layout.blocks[layout.entry_helpers[number]].base.to_bytes(4, "big")
        body += layout.blocks[layout.counts[number]].base.to_bytes(4, "big")
        body += b"".join((output - least).to_bytes(width, "big") for output in table.outputs)
    return body


def _linked(frame: Frame, srs: str) -> bytes:
    """Linked tensors: digest of how they lie in their rows, first row, rows."""
    body = b""
    found = linked_rows(frame.circuit, srs)
    for tensor, rows in zip(found, frame.layout.linked, strict=True):
        body += layout_digest(tensor.layout)
        body += rows.start.to_bytes(2, "big") + len(rows).to_bytes(2, "big")
    return body


def _program(program: Program) -> bytes:
    narrow = b"".join(value.to_bytes(8, "big", signed=True) for value in program.narrow)
    wide = b"".join((value % P).to_bytes(32, "big") for value in program.wide)
    slots = b"".join(slot.to_bytes(2, "big") for slot in program.outputs)
    return narrow + wide + program.code + slots
