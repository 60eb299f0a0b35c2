"""The registration table: what a one-time proof shows about a key's committed weights.

A private commitment may hold any field elements, and an operation table ranges no weight: with
wild weights the outputs of a proof are still determined by them, but the words "16-bit model" are
not shown. The registration proof shows them, once, under *the same weight commitments*: its table
has the same weight nodes, hence the same weight region, and for each of them a ranged tensor that
is equal to it. Nothing new has to be trusted: the table follows from the key's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from verifai.verifier.native.parse import parse_table
from verifai.verifier.native.table import (
    Committed,
    Einsum,
    Linear,
    Node,
    Table,
    Weight,
    operands,
)

#: Bits of what is multiplied, and of what is only added (biases): signed.
FACTOR_BITS: Final = 16
ADDEND_BITS: Final = 32
_LIMB: Final = 8


def registration_table(table: bytes) -> bytes:
    """The table that ranges all weights of ``table``, canonical.

    A weight that reaches an einsum has to fit into :data:`FACTOR_BITS`, any other into
    :data:`ADDEND_BITS`, both signed.

    Raises:
        MalformedError: ``table`` is no operation table.
    """
    whole = parse_table(table)
    bits = weight_bits(whole)
    nodes = [whole.nodes[index] for index in bits]
    zero = []
    for weight, width in enumerate(bits.values()):
        operation, shape, ranged = nodes[weight].operation, nodes[weight].shape, len(nodes)
        assert isinstance(operation, Weight)
        limbs = (_LIMB,) * (width // _LIMB)
        committed = Committed("witness", operation.outer, -(1 << width - 1), limbs)
        equal = Linear(((1, weight), (-1, ranged)))
        nodes += [Node(committed, shape, False), Node(equal, shape, False)]
        zero.append(ranged + 1)
    made = Table(whole.log_columns, tuple(nodes), (), tuple(zero), (), (), (), (), whole.hiding)
    return made.to_bytes()


def weight_bits(table: Table) -> Mapping[int, int]:
    """For each weight node, in order, the bits that a registration proof shows it to have."""
    multiplied = set()
    einsums = [node.operation for node in table.nodes if isinstance(node.operation, Einsum)]
    stack = [operand for einsum in einsums for operand in operands(einsum)]
    while stack:
        index = stack.pop()
        if index not in multiplied:
            multiplied.add(index)
            stack += operands(table.nodes[index].operation)
    return {index: FACTOR_BITS if index in multiplied else ADDEND_BITS for index in table.weights}
