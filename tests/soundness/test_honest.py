"""Both verifiers accept every honest proof: what the lies of this folder are measured against."""

from __future__ import annotations

import pytest

import verifai
from tests.soundness.pipelines import MODELS, pipeline
from tests.soundness.proofs import JUDGED, NAMES, case, judge, native, rust
from verifai.circuit.satisfied import unsatisfied
from verifai.proof.key import key_digest
from verifai.verifier.native import proof_bytes


@pytest.mark.parametrize("name", NAMES)
def test_graphs(name: str) -> None:
    honest = case(name)
    claim = honest.claim
    assert unsatisfied(honest.table, honest.weights, honest.witness, honest.batch) == []
    assert judge(claim) is None
    lengths = {
        len(claim.proof),
        proof_bytes(claim.table, claim.batch),
        native().native_proof_bytes(claim.table, claim.batch),
    }
    assert len(lengths) == 1
    assert key_digest(*claim.key) == native().native_key_digest(*claim.key)


@pytest.mark.parametrize("name", MODELS)
def test_models(name: str) -> None:
    made = pipeline(name)
    assert judge(made.claim) is None
    assert verifai.verify(made.proof, made.vk) == made.proof.statement


@pytest.mark.parametrize("name", NAMES)
def test_hiding_circuits(name: str) -> None:
    """Zero knowledge changes the proof and nothing of what is proved."""
    claim = case(name, hiding=True).claim
    assert (judge if name in JUDGED else rust)(claim) is None
    assert claim.words == case(name).claim.words
