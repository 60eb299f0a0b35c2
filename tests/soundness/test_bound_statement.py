"""A proof is for one key, batch, context and set of words; keys cannot say what they are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import verifai
from tests.soundness.pipelines import Pipeline, pipeline
from tests.soundness.proofs import (
    HEADER_DIGEST,
    Prover,
    case,
    development,
    judge,
    native,
    raw_weights,
)
from verifai.errors import MalformedError, UsageError, VerificationError
from verifai.proof import Proof, VerifyingKey
from verifai.proof.key import key_digest

D = "ab" * 32


def test_a_proof_is_for_one_context_and_batch() -> None:
    claim = case("mlp").claim
    assert judge(claim.but(context=bytes(32))) == "last"
    assert judge(claim.but(context=bytes(31) + b"\1")) == "last"
    for batch in (0, 1, 3, 4):
        assert judge(claim.but(batch=batch)) is not None
    same_words = claim.but(batch=3, words=claim.words + claim.words[: len(claim.words) // 2])
    assert judge(same_words) == "length"


def test_a_batch_of_two_is_not_two_batches_of_one() -> None:
    both, one = case("mlp", batch=2).claim, case("mlp", batch=1).claim
    assert judge(one) is None
    assert judge(both.but(batch=1, words=one.words)) is not None
    assert judge(one.but(batch=2, words=both.words)) is not None


def test_inferences_cannot_change_places() -> None:
    """The words of two inferences exchanged: same set of numbers, another statement."""
    claim = case("mlp").claim
    words = [claim.words[i : i + 32] for i in range(0, len(claim.words), 32)]
    assert len(words) == 4
    assert words[0] != words[1]
    assert judge(claim.but(words=b"".join([words[1], words[0], words[3], words[2]]))) == "last"
    assert judge(claim.but(words=b"".join([words[0], words[1], words[3], words[2]]))) == "last"


def test_another_circuit_with_the_same_shapes() -> None:
    """Only the shift differs by a constant of the equation: all lengths are the same."""
    honest = case("mlp")
    zero = honest.table.zero[1]
    operation = honest.table.nodes[zero].operation
    changed = replace(operation, offset=operation.offset + 1)
    node = replace(honest.table.nodes[zero], operation=changed)
    nodes = (*honest.table.nodes[:zero], node, *honest.table.nodes[zero + 1 :])
    table = replace(honest.table, nodes=nodes).to_bytes()
    assert judge(honest.claim.but(table=table)) == "last"


def test_rows_of_weights_cannot_change_places() -> None:
    honest = case("digits")
    commitments = honest.claim.commitments
    rows = [commitments[i : i + 64] for i in range(0, len(commitments), 64)]
    assert len(rows) >= 2
    assert rows[0] != rows[1]
    swapped = b"".join([rows[1], rows[0], *rows[2:]])
    assert judge(honest.claim.but(commitments=swapped)) is not None
    weights = [w[::-1].copy() if i == 0 else w for i, w in enumerate(honest.weights)]
    other = Prover(honest.claim.table, weights, honest.table.log_columns)
    assert judge(honest.claim.but(commitments=other.core.commitments)) is not None


def test_the_key_digest_covers_all_its_parts() -> None:
    claim = case("mlp").claim
    parts = list(claim.key)
    digests = {key_digest(*parts)}
    for at in range(4):
        for position in range(0, len(parts[at]), 17):
            bad = bytearray(parts[at])
            bad[position] ^= 1
            changed = [*parts[:at], bytes(bad), *parts[at + 1 :]]
            digest = key_digest(*changed)
            assert digest == native().native_key_digest(*changed)
            assert digest not in digests
            digests.add(digest)
    moved = key_digest(
        claim.header, claim.table + claim.commitments[:1], claim.commitments[1:], claim.tau_g2
    )
    assert moved not in digests


# ---- bundles: the number of the check that refuses ----------------------------------------------


def resealed(made: Pipeline, key: VerifyingKey, **changes: Any) -> Proof:
    """The statement made anew under ``key``, as its publisher would: the cheap checks pass."""
    statement = made.proof.statement
    claims = [
        [replace(claim, spec=spec) for claim, spec in zip(claimed, specs, strict=True)]
        for claimed, specs in ((statement.inputs, key.inputs), (statement.outputs, key.outputs))
    ]
    fresh = key.statement(*claims, statement.context)
    return Proof.of(replace(fresh, **changes), made.proof.argument)


def check_of(proof: Proof, key: VerifyingKey, **options: Any) -> int:
    with pytest.raises(VerificationError) as caught:
        verifai.verify(proof, key, **options)
    assert caught.value.check is not None
    return int(caught.value.check)


def guarantees(**changes: Any) -> Callable[[VerifyingKey], VerifyingKey]:
    return lambda key: replace(key, guarantees=replace(key.guarantees, **changes))


KEYS: dict[str, tuple[int, Callable[[VerifyingKey], VerifyingKey]]] = {
    "a ceremony": (4, guarantees(srs="ceremony")),
    "a custom reference string": (4, guarantees(srs="custom")),
    "another reference string": (4, guarantees(srs_id=D)),
    "zero knowledge": (4, guarantees(zero_knowledge=True)),
    "an input more": (3, lambda k: replace(k, inputs=(*k.inputs, replace(k.inputs[0], name="z")))),
    "a private output": (
        3,
        lambda k: replace(k, outputs=(replace(k.outputs[0], visibility="private"),)),
    ),
    "inputs and outputs exchanged": (
        3,
        lambda k: replace(k, inputs=k.outputs, outputs=k.inputs),
    ),
}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_that_contradicts_its_material(name: str) -> None:
    check, forge = KEYS[name]
    made = pipeline()
    key = forge(made.vk)
    assert key.digest != made.vk.digest
    statement = made.proof.statement
    specs = (*key.inputs, *key.outputs)
    old = {claim.spec.size: claim for claim in (*statement.inputs, *statement.outputs)}
    claims = []
    for spec in specs:
        claim = old[spec.size]
        shown = claim.integers if spec.visibility == "public" else None
        claims.append(replace(claim, spec=spec, integers=shown))
    cut = len(key.inputs)
    proof = Proof.of(
        key.statement(claims[:cut], claims[cut:], statement.context), made.proof.argument
    )
    assert check_of(proof, key) == check


def test_the_known_tau_is_recognised() -> None:
    """The development string calls itself so, and no key can call it anything else (check 4)."""
    made = pipeline()
    assert made.vk.guarantees.srs == "development"
    assert bytes(made.vk.material[2]) == development(7).tau_g2 == development(4).tau_g2


STATEMENTS: dict[str, tuple[int, dict[str, Any]]] = {
    "model": (3, {"model": D}),
    "circuit": (3, {"circuit": D}),
    "weights": (3, {"weights": "public"}),
    "key": (2, {"verifying_key": D}),
    "context": (5, {"context": {"job": "b"}}),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_an_edited_statement(name: str) -> None:
    check, changes = STATEMENTS[name]
    made = pipeline()
    assert check_of(resealed(made, made.vk, **changes), made.vk) == check
    assert (
        check_of(replace(made.proof, statement=replace(made.proof.statement, **changes)), made.vk)
        == 1
    )


@pytest.mark.parametrize("role", ["inputs", "outputs"])
@pytest.mark.parametrize("change", [1, -1, 1 << 15])
def test_edited_values(role: str, change: int) -> None:
    made = pipeline()
    (claim,) = getattr(made.proof.statement, role)
    values = (claim.integers[0] + change, *claim.integers[1:])
    proof = resealed(made, made.vk, **{role: (replace(claim, integers=values),)})
    assert check_of(proof, made.vk) == 7


def test_scales_are_the_keys() -> None:
    """In the statement alone: check 3. In the key too: another key, which nobody trusts."""
    made = pipeline()
    (claim,) = made.proof.statement.outputs
    spec = replace(claim.spec, scale=claim.spec.scale + 1)
    proof = resealed(made, made.vk, outputs=(replace(claim, spec=spec),))
    assert check_of(proof, made.vk) == 3
    key = replace(made.vk, outputs=(replace(made.vk.outputs[0], scale=spec.scale),))
    assert check_of(made.proof, key) == 2


def test_a_proof_for_one_job_is_none_for_another() -> None:
    made = pipeline(context="a")
    assert verifai.verify(made.proof, made.vk, context={"job": "a"})
    assert check_of(made.proof, made.vk) == 5
    assert check_of(made.proof, made.vk, context={"job": "b"}) == 5
    for context in ({"job": "b"}, {"job": "a", "nonce": 1}, None):
        forged = resealed(made, made.vk, context=context)
        assert check_of(forged, made.vk, context=context) == 7


def test_batches_of_a_bundle() -> None:
    made = pipeline(batch=2)
    verifai.verify(made.proof, made.vk)
    single = pipeline()
    proof = Proof.of(made.proof.statement, single.proof.argument)
    assert check_of(proof, made.vk) in (6, 7)
    (claim,) = made.proof.statement.outputs
    half = len(claim.integers) // 2
    swapped = replace(claim, integers=claim.integers[half:] + claim.integers[:half])
    statement = replace(made.proof.statement, outputs=(swapped,))
    assert check_of(Proof.of(statement, made.proof.argument), made.vk) == 7


# ---- reference strings ---------------------------------------------------------------------------


def plain(powers: int) -> bytes:
    return bytes(development(7).to_points(powers))


STRINGS: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no powers": lambda: plain(0),
    "a byte short": lambda: plain(8)[:-1],
    "a byte long": lambda: plain(8) + b"\0",
    "a power missing": lambda: plain(8)[: 3 * 64] + plain(8)[4 * 64 :],
    "a power twice": lambda: plain(8)[: 4 * 64] + plain(8)[3 * 64 :],
    "two powers exchanged": lambda: (
        plain(8)[:128] + plain(8)[192:256] + plain(8)[128:192] + plain(8)[256:]
    ),
    "the first is not the generator": lambda: plain(8)[64:],
    "infinity": lambda: plain(8)[:128] + bytes(64) + plain(8)[192:],
    "not on the curve": lambda: plain(8)[:159] + bytes([plain(8)[159] ^ 1]) + plain(8)[160:],
    "not canonical": lambda: plain(8)[:128] + b"\xff" * 32 + plain(8)[160:],
    "another tau H2": lambda: plain(8)[:-128] + G2,
    "tau H2 not on the curve": lambda: plain(8)[:-1] + bytes([plain(8)[-1] ^ 1]),
    "tau H2 is infinity": lambda: plain(8)[:-128] + bytes(128),
}
#: The generator of G2: tau = 1.
G2 = bytes.fromhex(
    "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
    "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
    "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
    "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
)


@pytest.mark.parametrize("name", STRINGS)
def test_a_reference_string_that_is_none(name: str) -> None:
    assert native().Srs.from_points(plain(8)).powers == 8
    with pytest.raises(ValueError, match=r"."):
        native().Srs.from_points(STRINGS[name]())


def test_a_reference_string_too_short_or_too_long() -> None:
    honest = case("mlp")
    weights = raw_weights(honest.weights)
    with pytest.raises(ValueError, match=r"power"):
        native().Prover(HEADER_DIGEST, honest.claim.table, weights, native().Srs.development(64))
    with pytest.raises(ValueError, match=r"."):
        native().Srs.development(1 << 40)


def test_setup_refuses_a_string_that_is_too_short() -> None:
    made = pipeline()
    short = verifai.SRS("custom", 4, b"")
    with pytest.raises(UsageError, match="128 powers"):
        verifai.setup(made.pk.circuit, srs=short)


def test_a_proving_key_with_another_string_is_refused() -> None:
    """Loading makes the verifying key again and compares."""
    made = pipeline()
    broken = replace(made.pk, srs=plain(128)[:-128] + G2)
    with pytest.raises(MalformedError):
        verifai.prove(broken, made.inputs)
