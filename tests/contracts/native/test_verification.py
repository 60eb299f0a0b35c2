"""The contract accepts honest proofs, and refuses all else with the step that Python names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.contracts.native.circuits import (
    BY_HAND,
    CASES,
    LINKED,
    claim_by_hand,
    claim_of,
    linked_claim,
    linked_table,
    table_of,
    words_of,
)
from tests.soundness.proofs import Claim, python
from verifai.compact import compact_table
from verifai.proof.reference_string import srs_id
from verifai.verifier.native import verify
from verifai.verifier.native.circuit import Circuits
from verifai.verifier.native.curve import G, P, Q
from verifai.verifier.native.linked import linked_rows, tensor_commitments
from verifai.verifier.native.transcript import Kind, TranscriptStep
from verifai.verifier.native.verify import verify as verify_recorded

MUTATED = [("mlp", 1, True), ("sigmoid", 3, True), ("attention", 1, True), ("max_pool", 1, False)]
GENERATOR = b"".join(x.to_bytes(32, "big") for x in G)


@dataclass(frozen=True)
class Element:
    """One element of a message: its place in the proof."""

    label: str
    kind: Kind
    at: int

    def replaced(self, proof: bytes, value: bytes) -> bytes:
        return proof[: self.at] + value + proof[self.at + len(value) :]


def elements(claim: Claim) -> Iterator[Element]:
    """All elements of a proof, from the transcript of its verification."""
    steps: list[TranscriptStep] = []
    verify_recorded(*claim.key, claim.batch, claim.context, words_of(claim), claim.proof, steps)
    at = 0
    statement = ("key", "batch", "context", "public words")
    for step in steps:
        if step.kind is None or step.label in statement:
            continue
        size = 64 if step.kind == Kind.G1 else 32
        for place in range(0, step.payload_bytes, size):
            yield Element(step.label, step.kind, at + place)
        at += step.payload_bytes
    assert at == len(claim.proof)


def changed(claim: Claim, element: Element) -> Claim:
    """Another canonical element in its place."""
    old = claim.proof[element.at : element.at + (64 if element.kind == Kind.G1 else 32)]
    if element.kind == Kind.G1:
        return claim.but(proof=element.replaced(claim.proof, GENERATOR))
    value = (int.from_bytes(old, "big") + 1) % P
    return claim.but(proof=element.replaced(claim.proof, value.to_bytes(32, "big")))


def malformed(claim: Claim, element: Element) -> Claim:
    """Something that is no element in its place."""
    wrong = (P).to_bytes(32, "big")
    if element.kind == Kind.G1:
        wrong = Q.to_bytes(32, "big") + bytes(32)
    return claim.but(proof=element.replaced(claim.proof, wrong))


@pytest.mark.parametrize(("name", "batch", "hiding"), CASES)
def test_honest_proofs_are_accepted(embedded, name, batch, hiding):
    claim = claim_of(name, batch, hiding)
    circuit = embedded.register(table_of(name, batch, hiding))
    assert embedded.judge(circuit, claim) is None


@pytest.mark.parametrize(("batch", "hiding"), [(1, False), (3, False), (3, True)])
@pytest.mark.parametrize("name", BY_HAND)
def test_proofs_of_tables_by_hand(node, name, batch, hiding):
    claim = claim_by_hand(name, batch, hiding)
    table = compact_table(*claim.key, batch)
    circuit = node.register(table)
    assert node.judge(circuit, claim) is None
    for element in list(elements(claim))[::11]:
        wrong = changed(claim, element)
        assert node.judge(circuit, wrong) == ("ProofRefused", python(wrong, verify)), element


@pytest.mark.parametrize("hiding", [False, True], ids=["open", "hiding"])
def test_ids_are_those_of_the_statement_and_rows(embedded, hiding):
    """Lanes of 32 bits: another id is another claim, and one that is no row is refused as such."""
    claim = claim_by_hand("embedding", 3, hiding)
    circuit = embedded.register(compact_table(*claim.key, 3))
    assert embedded.judge(circuit, claim) is None
    first = int.from_bytes(claim.words[:32], "big")
    for lane in range(3):
        own = first >> 32 * lane & 0xFFFFFFFF
        for other, step in (
            ((own + 1) % 5, "tail" if hiding else "last"),
            (5, "ids"),
            ((1 << 32) - 1, "ids"),
        ):
            word = first + (other - own << 32 * lane)
            wrong = claim.but(words=word.to_bytes(32, "big") + claim.words[32:])
            assert embedded.judge(circuit, wrong) == ("ProofRefused", step)
            assert python(wrong, verify) == step


@pytest.mark.parametrize(("name", "batch"), LINKED)
def test_linked_tensors(node, name, batch):
    """Accepted, with the commitments that statements show; each of their points counts."""
    claim = linked_claim(name, batch)
    circuit = node.register(linked_table(name, batch))
    assert node.judge(circuit, claim) is None
    rows = linked_rows(Circuits(claim.table).of(batch), srs_id(claim.tau_g2))
    expected = tensor_commitments(rows, claim.proof)
    assert [digest.hex() for digest in node.linked(circuit, claim)] == expected
    assert len(set(expected)) == len(rows) >= 2
    points = list(elements(claim))[: sum(tensor.count for tensor in rows)]
    assert {point.label for point in points} == {"stage 1"}
    for point in points:
        assert node.judge(circuit, changed(claim, point)) is not None
        said = node.judge(circuit, malformed(claim, point))
        assert said == ("ProofRefused", "stage 1")


def test_without_linked_tensors_none_is_reported(node):
    claim = claim_of("mlp", 1, True)
    assert node.linked(node.register(table_of("mlp", 1, True)), claim) == []


@pytest.mark.parametrize(("name", "batch", "hiding"), MUTATED)
def test_every_message_counts(node, name, batch, hiding):
    """First and last element of each message, changed and malformed: refused as in Python."""
    claim = claim_of(name, batch, hiding)
    circuit = node.register(table_of(name, batch, hiding))
    assert node.judge(circuit, claim) is None
    found = list(elements(claim))
    chosen = {}
    for element in found:
        chosen.setdefault(element.label, element)
    last = {element.label: element for element in found}
    assert len(chosen) >= 12
    for element in {*chosen.values(), *last.values()}:
        for wrong in (changed(claim, element), malformed(claim, element)):
            expected = python(wrong, verify)
            assert expected is not None
            assert node.judge(circuit, wrong) == ("ProofRefused", expected), element


def test_a_message_counts_on_the_embedded_chain(embedded):
    claim = claim_of("mlp", 1, True)
    circuit = embedded.register(table_of("mlp", 1, True))
    for element in list(elements(claim))[::29]:
        wrong = changed(claim, element)
        assert embedded.judge(circuit, wrong) == ("ProofRefused", python(wrong, verify))


@pytest.mark.parametrize(("name", "batch", "hiding"), MUTATED[:2])
def test_the_statement_is_bound(node, name, batch, hiding):
    claim = claim_of(name, batch, hiding)
    circuit = node.register(table_of(name, batch, hiding))
    other = bytearray(claim.words)
    other[-1] ^= 1
    end = "tail" if hiding else "last"
    for wrong in (
        claim.but(context=bytes(32)),
        claim.but(words=bytes(other)),
        claim.but(words=claim.words[32:] + claim.words[:32]),
    ):
        assert node.judge(circuit, wrong) == ("ProofRefused", end)
    for wrong in (claim.but(words=claim.words[:-32]), claim.but(words=claim.words + bytes(32))):
        assert node.judge(circuit, wrong) == ("ProofRefused", "public words")


def test_the_length_is_exact(node):
    claim = claim_of("mlp", 1, True)
    circuit = node.register(table_of("mlp", 1, True))
    for proof in (b"", claim.proof[:-32], claim.proof + bytes(32)):
        assert node.judge(circuit, claim.but(proof=proof)) == ("ProofRefused", "length")
    # calldata ends in whole words, so that a byte more or less is another call's encoding
    for proof in (claim.proof[:-1], claim.proof + b"\0"):
        assert node.judge(circuit, claim.but(proof=proof)) == ("ProofRefused", "calldata")


def test_another_circuit_refuses(node):
    """The same weights and shapes of messages, another key: the transcript differs."""
    claim = claim_of("mlp", 1, True)
    unknown = bytes(31) + b"\1"
    assert node.judge(unknown, claim) == ("UnknownCircuit", unknown.hex())
    batch = node.register(table_of("mlp", 3, False))
    assert node.judge(batch, claim) == ("ProofRefused", "length")


def test_points_at_infinity_are_points(node):
    """Infinity is canonical: it is refused by a check, not by the decoder."""
    claim = claim_of("mlp", 1, True)
    circuit = node.register(table_of("mlp", 1, True))
    for element in elements(claim):
        if element.kind == Kind.G1:
            wrong = claim.but(proof=element.replaced(claim.proof, bytes(64)))
            expected = python(wrong, verify)
            assert node.judge(circuit, wrong) == ("ProofRefused", expected), element
