"""Compact tables mean what the operation tables mean: a model of the contract accepts by them."""

from __future__ import annotations

import itertools

import pytest

from tests.contracts.native import model
from tests.contracts.native.circuits import (
    BY_HAND,
    LINKED,
    claim_by_hand,
    claim_of,
    linked_claim,
    linked_table,
    table_of,
    words_of,
)
from tests.contracts.native.test_verification import changed, elements
from tests.soundness.proofs import NAMES
from verifai.compact import circuit_id, compact_table
from verifai.compact.table import REFERENCE_STRINGS
from verifai.errors import MalformedError, UnsupportedError, VerificationError
from verifai.proof.codec import canonical_json
from verifai.proof.plain import to_plain
from verifai.proof.reference_string import CEREMONIES, DEVELOPMENT_SRS, g2_bytes, srs_id
from verifai.verifier.native.circuit import Circuits
from verifai.verifier.native.curve import decode_g2
from verifai.verifier.native.keccak import keccak256
from verifai.verifier.native.linked import linked_rows

ALL = list(itertools.product(NAMES, (1, 3), (False, True)))


@pytest.mark.parametrize(("name", "batch", "hiding"), ALL)
def test_the_model_accepts_by_the_table(name, batch, hiding):
    claim, table = claim_of(name, batch, hiding), table_of(name, batch, hiding)
    tau = decode_g2(claim.tau_g2)
    model.verify(table, tau, claim.context, words_of(claim), claim.proof)
    # a wrong opened value is found by the claims, not by the opening
    (value,) = (element for element in elements(claim) if element.label == "value")
    with pytest.raises(VerificationError) as refused:
        model.verify(table, tau, claim.context, words_of(claim), changed(claim, value).proof)
    assert refused.value.details["step"] == ("tail" if hiding else "last")


def test_a_reference_string_is_numbered_by_its_digest_not_by_its_kind():
    """Both are ceremonies; the contract knows the tau H2 of one."""
    numbers = {srs_id(g2_bytes(*CEREMONIES["aztec-ignition"].tau_g2)): 0, DEVELOPMENT_SRS: 1}
    assert numbers == REFERENCE_STRINGS
    ppot = g2_bytes(*CEREMONIES["ppot"].tau_g2)
    with pytest.raises(UnsupportedError, match="'ppot'") as refused:
        compact_table(bytes(32), b"", b"", ppot, 1)
    assert "srs='aztec-ignition'" in refused.value.hint


@pytest.mark.parametrize(("name", "batch"), LINKED)
def test_tables_with_linked_tensors(name, batch):
    claim, table = linked_claim(name, batch), linked_table(name, batch)
    model.verify(table, decode_g2(claim.tau_g2), claim.context, words_of(claim), claim.proof)
    found = linked_rows(Circuits(claim.table).of(batch), srs_id(claim.tau_g2))
    assert [digest for digest, _ in model.parse(table).linked] == [
        keccak256(canonical_json(to_plain(tensor.layout))) for tensor in found
    ]
    assert len(found) >= 2


@pytest.mark.parametrize(("batch", "hiding"), [(1, False), (3, False), (3, True)])
@pytest.mark.parametrize("name", BY_HAND)
def test_tables_by_hand(name, batch, hiding):
    claim = claim_by_hand(name, batch, hiding)
    table = compact_table(*claim.key, batch)
    tau = decode_g2(claim.tau_g2)
    model.verify(table, tau, claim.context, words_of(claim), claim.proof)


def test_a_table_is_a_function_of_the_key_and_the_batch():
    claim = claim_of("mlp", 1, True)
    again = compact_table(*claim.key, 1)
    assert again == table_of("mlp", 1, True)
    others = {
        compact_table(*claim.key, 2),
        compact_table(*claim.but(commitments=claim.commitments[64:] + bytes(64)).key, 1),
        compact_table(*claim.but(header=bytes(32)).key, 1),
    }
    assert len({circuit_id(table) for table in {again, *others}}) == 4


def test_other_reference_strings_are_not_supported():
    claim = claim_of("mlp", 1, True)
    with pytest.raises(UnsupportedError, match="reference string"):
        compact_table(*claim.but(tau_g2=bytes(128)).key, 1)


def test_commitments_have_to_fit():
    claim = claim_of("mlp", 1, True)
    with pytest.raises(MalformedError, match="commitments"):
        compact_table(*claim.but(commitments=claim.commitments + bytes(64)).key, 1)
