"""Rows of weights by public ids: no proof is about other ids, other rows, or ids without a row."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from tests.soundness.proofs import Claim, Prover, judge, python, rust
from tests.verifier.circuits import Circuit, canonical, embedding, integers
from verifai.verifier.native.words import lane_bits, pack_words

BATCH = 2


def of_kind(circuit: Circuit, kind: str) -> list[np.ndarray]:
    pairs = zip(circuit.values, circuit.nodes, strict=True)
    return [value for value, node in pairs if node["kind"] == kind]


@functools.cache
def case(hiding: bool) -> tuple[Circuit, Prover, Claim]:
    circuit = embedding(BATCH)
    if hiding:
        circuit.hiding, circuit.log_columns = True, 7
    prover = Prover(canonical(circuit.table()), of_kind(circuit, "weight"), circuit.log_columns)
    return circuit, prover, prover.prove(of_kind(circuit, "committed"), BATCH)


@pytest.fixture(params=[False, True], ids=["open", "hiding"])
def honest(request: pytest.FixtureRequest) -> tuple[Circuit, Prover, Claim]:
    return case(request.param)


def words(circuit: Circuit, ids: np.ndarray, claim: Claim) -> bytes:
    """The words of a claim with other ids in place of the first input's."""
    node = circuit.nodes[circuit.inputs[0]]
    width = sum(node["limbs"])
    assert lane_bits(width) == 32
    own = pack_words([int(v) for v in ids.ravel()], ids.shape[-1], width)
    made = b"".join(word.to_bytes(32, "big") for word in own)
    return made + claim.words[len(made) :]


def test_honest_proofs_verify(honest):
    circuit, _, claim = honest
    assert judge(claim) is None
    assert words(circuit, circuit.values[circuit.inputs[0]], claim) == claim.words


def test_other_ids_are_refused(honest):
    circuit, _, claim = honest
    ids = circuit.values[circuit.inputs[0]]
    for index in np.ndindex(*ids.shape):
        other = ids.copy()
        other[index] = (other[index] + 1) % 5
        assert judge(claim.but(words=words(circuit, other, claim)))


def test_inferences_that_change_places_are_refused(honest):
    circuit, _, claim = honest
    swapped = circuit.values[circuit.inputs[0]][::-1]
    assert judge(claim.but(words=words(circuit, swapped, claim)))


@pytest.mark.parametrize("beyond", [5, 6, (1 << 20) - 1, 1 << 20, (1 << 32) - 1])
def test_an_id_that_is_no_row_is_refused_as_such(honest, beyond):
    circuit, _, claim = honest
    other = circuit.values[circuit.inputs[0]].copy()
    other[1, 1, 2] = beyond
    lie = claim.but(words=words(circuit, other, claim))
    assert python(lie) == "ids"
    assert "not below the rows" in (rust(lie) or "")


def test_a_negative_id_is_no_word(honest):
    _, _, claim = honest
    minus_one = (1 << 256) - 1
    for word in (minus_one, minus_one >> 128 << 128):
        lie = claim.but(words=word.to_bytes(32, "big") + claim.words[32:])
        assert judge(lie)


def test_a_lane_beyond_the_row_is_refused(honest):
    _circuit, _, claim = honest
    word = int.from_bytes(claim.words[:32], "big") | 1 << 96  # a row has three ids
    assert judge(claim.but(words=word.to_bytes(32, "big") + claim.words[32:]))


def test_a_prover_makes_no_proof_of_an_id_that_is_no_row(honest):
    circuit, prover, _ = honest
    tensors = [values.copy() for values in of_kind(circuit, "committed")]
    for beyond in (5, -1):
        tensors[0][0, 0, 0] = beyond
        with pytest.raises(ValueError, match="not below the rows"):
            prover.prove(tensors, BATCH, stubborn=True)


def test_rows_of_other_ids_satisfy_nothing(honest):
    """All that follows from the rows is that of other ids; only those in the statement are true."""
    circuit, prover, _ = honest
    ids = circuit.values[circuit.inputs[0]]
    other = embedding(BATCH, integers((ids + 1) % 5))
    assert not np.array_equal(other.values[circuit.outputs[0]], circuit.values[circuit.outputs[0]])
    lie = [ids, *of_kind(other, "committed")[1:]]
    assert judge(prover.prove(lie, BATCH, stubborn=True))


def test_other_rows_are_another_key(honest):
    circuit, prover, claim = honest
    for number, table in enumerate(of_kind(circuit, "weight")[:3]):
        weights = [values.copy() for values in of_kind(circuit, "weight")]
        weights[number][(0,) * table.ndim] += 1
        forger = Prover(prover.table, weights, circuit.log_columns)
        forged = forger.prove(of_kind(circuit, "committed"), BATCH, stubborn=True)
        assert judge(forged.but(commitments=claim.commitments))


def test_every_message_of_a_proof_with_ids_counts(honest):
    _, _, claim = honest
    rng = np.random.default_rng(1)
    for at in rng.choice(len(claim.proof) // 32, 12, replace=False):
        proof = bytearray(claim.proof)
        proof[32 * at + 31] ^= 1
        assert judge(claim.but(proof=bytes(proof)))
