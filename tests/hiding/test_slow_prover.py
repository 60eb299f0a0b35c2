"""The slow prover of ``tests/verifier`` hides too: both verifiers accept its proofs.

It shares no code with the Rust prover, and the tests of hiding measure one by the other.
"""

from __future__ import annotations

import pytest

from tests.hiding.adversary import Adversary
from tests.hiding.cases import private
from tests.hiding.test_masks import MASKS
from tests.soundness.field_lies import prove
from tests.soundness.proofs import NAMES, case, judge

FAST = ("mlp", "sigmoid")


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (n not in FAST)) for n in NAMES]
)
def test_both_verifiers_accept_its_hiding_proofs(name: str, batch: int) -> None:
    honest = case(name, batch, hiding=True)
    claim = prove(honest.table, honest.weights, honest.witness, batch)
    assert len(claim.proof) == len(honest.claim.proof)
    assert claim.words == honest.claim.words
    assert judge(claim) is None


@pytest.mark.parametrize("name", ["mlp", "sigmoid", "digits"])
def test_both_provers_send_the_same_without_masks(name: str) -> None:
    """Message by message, up to the last sumcheck."""
    honest = private(name)
    claim = honest.prover.prove(honest.witness, 1, unmasked=MASKS)
    adversary = Adversary(honest, claim, honest.witness)
    for label in ("zerocheck", "columns", "contraction", "ends"):
        assert adversary.said[label] == adversary.real.scalars[label]
    assert not any(adversary.masks["tail"])
