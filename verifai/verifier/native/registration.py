"""The registration table: what a one-time proof shows about a key's committed weights.

A private commitment may hold any field elements, and an operation table ranges no weight: with
wild weights the outputs of a proof are still determined by them, but the words "16-bit model" are
not shown. The registration proof shows them, once, under *the same weight commitments*: its table
has the same weight nodes, hence the same weight region, and for each of them a ranged tensor that
is equal to it. Nothing new has to be trusted: the table follows from the key's own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from verifai.proof.codec import canonical_json
from verifai.verifier.native.parse import parse_table

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
    parse_table(table)
    whole: dict[str, Any] = json.loads(table)
    nodes: list[dict[str, Any]] = whole["nodes"]
    bits = weight_bits(nodes)
    weights = [nodes[index] for index in bits]
    made: list[dict[str, Any]] = [
        {"kind": "weight", "shape": node["shape"], "outer": node["outer"]} for node in weights
    ]
    zero = []
    for position, (node, width) in enumerate(zip(weights, bits.values(), strict=True)):
        ranged = len(made)
        made.append(
            {
                "kind": "committed",
                "region": "witness",
                "batched": False,
                "shape": node["shape"],
                "outer": node["outer"],
                "offset": -(1 << width - 1),
                "limbs": [_LIMB] * (width // _LIMB),
            }
        )
        made.append(
            {
                "kind": "linear",
                "shape": node["shape"],
                "terms": [[1, position], [-1, ranged]],
                "offset": 0,
            }
        )
        zero.append(ranged + 1)
    return canonical_json(
        {
            "version": whole["version"],
            "log_columns": whole["log_columns"],
            "nodes": made,
            "tables": [],
            "zero": zero,
            "product": [],
            "lookup": [],
            "inputs": [],
            "outputs": [],
            **({"hiding": True} if whole.get("hiding") else {}),
        }
    )


def weight_bits(nodes: list[dict[str, Any]]) -> Mapping[int, int]:
    """For each weight node, in order, the bits that a registration proof shows it to have."""
    multiplied = set()
    stack = [
        operand
        for node in nodes
        if node["kind"] == "einsum"
        for operand in (node["left"], node["right"])
    ]
    while stack:
        index = stack.pop()
        if index in multiplied:
            continue
        multiplied.add(index)
        node = nodes[index]
        if node["kind"] in ("view", "reshape"):
            stack.append(node["source"])
        elif node["kind"] == "linear":
            stack += [source for _, source in node["terms"]]
    return {
        index: FACTOR_BITS if index in multiplied else ADDEND_BITS
        for index, node in enumerate(nodes)
        if node["kind"] == "weight"
    }
