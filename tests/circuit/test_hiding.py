"""Hiding proofs of hand-built graphs: made by the core, read by both verifiers."""

from __future__ import annotations

import pytest

from tests.circuit import models
from tests.circuit.graphs import run
from verifai.circuit.cost import cost
from verifai.circuit.lower import lower
from verifai.circuit.visibility import Visibility
from verifai.circuit.witness import witness
from verifai.errors import VerificationError
from verifai.verifier.native import proof_bytes, verify

core = pytest.importorskip("verifai._native", reason="the proving core is not built")
CONTEXT = bytes(31) + b"\1"
HEADER_DIGEST = bytes(31) + b"\2"
#: Every kind of constraint: products, lookups, einsums, none of them.
NAMES = ("mlp", "sigmoid", "attention", "weights_only", "max_pool")


def proved(name: str, batch: int, **visibility: str):
    graph = getattr(models, name)()
    lowered = lower(graph, Visibility(**visibility), hiding=True)
    values = witness(lowered, run(graph, models.random_inputs(graph, batch)), batch)
    srs = core.Srs.development(1 << lowered.operations.log_columns)
    weights = [array.astype("<i4").tobytes() for array in lowered.weights]
    prover = core.Prover(HEADER_DIGEST, lowered.table, weights, srs)
    committed = [array.astype("<i8").tobytes() for array in values]
    words, proof = prover.prove(batch, committed, CONTEXT)
    return lowered.table, prover, srs.tau_g2, committed, words, proof


def in_python(table, commitments, tau, batch, words, proof):
    numbers = [int.from_bytes(words[i : i + 32], "big") for i in range(0, len(words), 32)]
    verify(HEADER_DIGEST, table, commitments, tau, batch, CONTEXT, numbers, proof)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_both_verifiers_accept_and_agree_on_the_length(name: str, batch: int) -> None:
    table, prover, tau, _, words, proof = proved(name, batch)
    core.native_verify(HEADER_DIGEST, table, prover.commitments, tau, batch, CONTEXT, words, proof)
    in_python(table, prover.commitments, tau, batch, words, proof)
    lengths = {
        len(proof),
        proof_bytes(table, batch),
        core.native_proof_bytes(table, batch),
        cost(table, batch).chosen.proof_bytes,
    }
    assert len(lengths) == 1


def test_every_scalar_counts_for_both() -> None:
    table, prover, tau, _, words, proof = proved("mlp", 1)
    tried = 0
    for start in range(0, len(proof), 32):
        bad = bytearray(proof)
        bad[start + 31] ^= 1
        with pytest.raises(ValueError, match=r"\w"):
            core.native_verify(
                HEADER_DIGEST, table, prover.commitments, tau, 1, CONTEXT, words, bytes(bad)
            )
        tried += 1
        if start % (32 * 9) == 0:
            with pytest.raises(VerificationError):
                in_python(table, prover.commitments, tau, 1, words, bytes(bad))
    print(f"{tried} scalars and halves of points changed, 0 accepted")


def test_two_proofs_of_one_statement_share_no_message() -> None:
    table, prover, tau, committed, words, proof = proved("max_pool", 2, input="private")
    _, again = prover.prove(2, committed, CONTEXT)
    core.native_verify(HEADER_DIGEST, table, prover.commitments, tau, 2, CONTEXT, words, again)
    parts = [{p[i : i + 32] for i in range(0, len(p), 32)} for p in (proof, again)]
    assert not parts[0] & parts[1]


def test_blinded_weights_have_no_commitment_in_common() -> None:
    first, second = (proved("mlp", 1)[1] for _ in range(2))
    assert first.commitments != second.commitments
    assert len(first.blindings) == 32 * (len(first.commitments) // 64)


@pytest.mark.parametrize("delta", [1, -1, 1 << 20])
def test_a_lying_prover_is_refused_by_the_tail(delta: int) -> None:
    table, prover, tau, committed, _, _ = proved("mlp", 1)
    lie = bytearray(committed[-1])
    value = int.from_bytes(lie[:8], "little", signed=True) + delta
    lie[:8] = value.to_bytes(8, "little", signed=True)
    words, proof = prover.prove_spoiled(1, [*committed[:-1], bytes(lie)], CONTEXT, stubborn=True)
    with pytest.raises(ValueError, match="tail"):
        core.native_verify(HEADER_DIGEST, table, prover.commitments, tau, 1, CONTEXT, words, proof)
    with pytest.raises(VerificationError, match="tail"):
        in_python(table, prover.commitments, tau, 1, words, proof)
