"""Honest proofs of small circuits for the verifier contract, and what it says of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.soundness.proofs import Claim, Prover, case
from tests.verifier import circuits as tables
from verifai.chain.shipped import interface
from verifai.chain.verdict import own_error
from verifai.compact import circuit_id, compact_table
from verifai.evm.node.faults import RevertedError

#: Names of tests.circuit.models with a batch and whether proofs hide: products and none, custom
#: tables and none, contractions of all kinds and none.
CASES = [
    ("mlp", 1, True),
    ("mlp", 3, False),
    ("digits", 3, True),
    ("max_pool", 1, False),
    ("sigmoid", 3, True),
    ("attention", 1, True),
    ("attention", 3, False),
    ("grouped", 3, True),
    ("mixing", 1, True),
    ("weights_only", 3, False),
]

#: Those whose inputs and outputs are behind commitments, with a batch; they hide.
LINKED = [("mlp", 1), ("digits", 3), ("attention", 2)]


def words_of(claim: Claim) -> list[int]:
    """Public words as numbers."""
    data = claim.words
    return [int.from_bytes(data[i : i + 32], "big") for i in range(0, len(data), 32)]


@functools.cache
def claim_of(name: str, batch: int, hiding: bool) -> Claim:
    return case(name, batch, hiding).claim


@functools.cache
def linked_claim(name: str, batch: int) -> Claim:
    return case(name, batch, True, "committed").claim


@functools.cache
def linked_table(name: str, batch: int) -> bytes:
    claim = linked_claim(name, batch)
    return compact_table(*claim.key, batch)


#: Operation tables written by hand, with what no model gives: several custom tables, hints,
#: products of five, scalars, boxes at odd places, contractions without rounds.
BY_HAND = tuple(tables.ALL)


@functools.cache
def claim_by_hand(name: str, batch: int, hiding: bool) -> Claim:
    circuit = tables.ALL[name](batch)
    table = circuit.table()
    log_columns = table["log_columns"]
    if hiding:
        log_columns = max(7, log_columns)
        table |= {"hiding": True, "log_columns": log_columns}
    values = {
        kind: [
            v for v, node in zip(circuit.values, circuit.nodes, strict=True) if node["kind"] == kind
        ]
        for kind in ("weight", "committed")
    }
    prover = Prover(tables.canonical(table), values["weight"], log_columns)
    return prover.prove(values["committed"], batch)


@functools.cache
def table_of(name: str, batch: int, hiding: bool) -> bytes:
    claim = claim_of(name, batch, hiding)
    return compact_table(*claim.key, batch)


@dataclass
class Verifier:
    """A deployed contract on some chain.

    ``call`` runs a call without effect and returns the revert's data, or None; ``read`` returns
    its answer; ``send`` sends a transaction and returns the gas that it took.
    """

    call: Callable[[bytes], bytes | None]
    read: Callable[[bytes], bytes]
    send: Callable[[bytes], int]

    def register(self, table: bytes) -> bytes:
        self.send(register_calldata(table))
        return circuit_id(table)

    def registration(self, table: bytes) -> tuple[str, str] | None:
        """None if the table would be registered."""
        return _said(self.call(register_calldata(table)))

    def linked(self, circuit: bytes, claim: Claim) -> list[bytes]:
        """The commitments that the contract reports of an accepted proof."""
        from eth_abi import decode

        data = verify_calldata(circuit, claim.context, words_of(claim), claim.proof)
        (found,) = decode(["bytes32[]"], self.read(data))
        return list(found)

    def judge(self, circuit: bytes, claim: Claim) -> tuple[str, str] | None:
        """None if the contract accepts."""
        data = verify_calldata(circuit, claim.context, words_of(claim), claim.proof)
        return _said(self.call(data))


def _said(data: bytes | None) -> tuple[str, str] | None:
    if data is None:
        return None
    said = refusal(data)
    assert said is not None, data
    return said


def register_calldata(table: bytes) -> bytes:
    """The transaction data that registers a compact table."""
    return interface("NativeVerifier").call("register", table)


def verify_calldata(circuit: bytes, context: bytes, words: Sequence[int], proof: bytes) -> bytes:
    """The transaction data that verifies a proof."""
    packed = b"".join(word.to_bytes(16, "big") for word in words)
    return interface("NativeVerifier").call("verify", circuit, context, packed, proof)


def refusal(data: bytes) -> tuple[str, str] | None:
    """The verifier's error with its one argument in words; None for data of another form."""
    found = own_error(RevertedError(data), ("NativeVerifier",))
    return None if found is None else (found.name, *found.arguments)
