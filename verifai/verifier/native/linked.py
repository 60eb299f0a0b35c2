"""Commitments of linked tensors: digests of their rows' points (docs/protocol.md, Layout).

They are the first points of a proof. A tensor with the same blindings has the same points in every
circuit with as many columns: so the committed output of one proof is recognised, by its digest, as
the committed input of another.
"""

from __future__ import annotations

from dataclasses import dataclass

from verifai.proof.codec import canonical_json
from verifai.proof.opening import RowLayout
from verifai.proof.plain import to_plain
from verifai.verifier.native.circuit import Circuit
from verifai.verifier.native.curve import G1_BYTES
from verifai.verifier.native.keccak import keccak256
from verifai.verifier.native.table import Committed


@dataclass(frozen=True)
class LinkedRows:
    """One linked tensor of a table: how it lies in its rows, and how many they are."""

    layout: RowLayout
    count: int


def linked_rows(circuit: Circuit, srs_id: str) -> list[LinkedRows]:
    """The linked tensors of a circuit, in the order of its table."""
    table, found = circuit.table, []
    for index, rows in zip(table.linked, circuit.layout.linked, strict=True):
        node = table.nodes[index]
        own = node.operation
        assert isinstance(own, Committed)  # a rule of the table
        layout = RowLayout(node.shape, own.outer, own.offset, own.limbs, table.log_columns, srs_id)
        found.append(LinkedRows(layout, len(rows)))
    return found


def layout_digest(layout: RowLayout) -> bytes:
    """What names the layout of a linked tensor, 32 bytes."""
    return keccak256(canonical_json(to_plain(layout)))


def commitment(layout: RowLayout, points: bytes) -> str:
    """The commitment of a tensor as statements show it: 64 hex characters."""
    return keccak256(layout_digest(layout) + points).hex()


def tensor_commitments(rows: list[LinkedRows], argument: bytes) -> list[str]:
    """The commitments of all linked tensors, from the first points of a proof."""
    found, at = [], 0
    for tensor in rows:
        end = at + G1_BYTES * tensor.count
        found.append(commitment(tensor.layout, argument[at:end]))
        at = end
    return found
