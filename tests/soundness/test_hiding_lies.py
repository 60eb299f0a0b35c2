"""Zero knowledge hides the witness and no lie: what a lying prover of a hiding circuit gets."""

from __future__ import annotations

import pytest

from tests.soundness.addresses import blocks, layout
from tests.soundness.broken_verifier import without_checks
from tests.soundness.proofs import case, judge, python, rust
from tests.soundness.test_malicious_witness import LIES, tensors

#: Judged by both verifiers; the others by the fast one.
BOTH = {"remainder", "maximum above all", "lookup output"}


@pytest.mark.parametrize("operation", LIES)
def test_a_lie_about_each_operation(operation: str) -> None:
    name, lie, _ = LIES[operation]
    honest = case(name, hiding=True)
    witness, tensor = tensors(honest)
    lie(tensor)
    refused = honest.prover.prove(witness, honest.batch, stubborn=True)
    assert rust(refused) is not None
    if operation in BOTH:
        assert judge(refused) == "tail"
        assert python(refused, without_checks("tail")) is None
        assert python(refused, without_checks("last")) == "tail"


def test_one_more_of_each_kind() -> None:
    """Limbs, multiplicities, h and hT of a hiding circuit."""
    honest = case("mlp", hiding=True)
    roles = {block.role: block for block in blocks(honest)}
    for role, block in roles.items():
        if role != "weight":
            lies = [(block.real[0], 1)]
            claim = honest.prover.prove(honest.witness, honest.batch, lies=lies, stubborn=True)
            assert judge(claim) == "tail", role


def test_triples_that_are_no_products() -> None:
    """c + 1, or c' + 1: a b = c is what the sacrifice shows."""
    honest = case("mlp", hiding=True)
    hidden = layout(honest).hiding
    assert hidden is not None
    assert hidden.triples is not None
    tile = layout(honest).blocks[hidden.triples]
    for at in (2, 5):
        lies = [(tile.base + at, 1)]
        claim = honest.prover.prove(honest.witness, honest.batch, lies=lies, stubborn=True)
        assert judge(claim) == "tail", at


def test_two_proofs_of_one_statement_differ() -> None:
    """Fresh randomness in each; every element of the two is another, and both hold."""
    honest = case("mlp", hiding=True)
    first, second = (honest.prover.prove(honest.witness, honest.batch) for _ in range(2))
    assert judge(first) is None
    assert judge(second) is None
    assert first.words == second.words
    pairs = [
        (first.proof[i : i + 32], second.proof[i : i + 32]) for i in range(0, len(first.proof), 32)
    ]
    assert all(a != b for a, b in pairs)
