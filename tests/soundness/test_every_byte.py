"""No byte of a proof, its key or its statement may be changed. Reports how many were tried."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

import verifai
from tests.campaign import part, size
from tests.circuit import models
from tests.circuit.graphs import run
from tests.soundness.pipelines import pipeline
from tests.soundness.proofs import Claim, case, case_of, judge, rust
from verifai.circuit import Visibility
from verifai.circuit.lower import lower
from verifai.errors import MalformedError, VerificationError
from verifai.proof import Proof, VerifyingKey
from verifai.verifier.native.field import P

FIELDS = ("proof", "table", "commitments", "tau_g2", "words", "context")
#: Elements of these have 32 bytes, the other one's are characters.
ELEMENTS = ("proof", "commitments", "tau_g2", "words", "context")
#: The order of the base field: coordinates are below it.
Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583


def flips(claim: Claim, field: str, rng: random.Random) -> Iterator[tuple[str, Claim]]:
    """Every byte, one random bit."""
    good: bytes = getattr(claim, field)
    for at in range(len(good)):
        bad = bytearray(good)
        bad[at] ^= 1 << rng.randrange(8)
        yield f"{field}, byte {at}", claim.but(**{field: bytes(bad)})


def elements(claim: Claim, field: str) -> Iterator[tuple[str, Claim]]:
    """Every element of 32 bytes: 0, 2^256 - 1, p or q more, and changed places with the next."""
    good: bytes = getattr(claim, field)
    for at in range(0, len(good), 32):
        word = good[at : at + 32]
        value = int.from_bytes(word, "big")
        following = good[at + 32 : at + 64]
        others = {
            "zero": bytes(32) + following,
            "ones": b"\xff" * 32 + following,
            "swapped": following + word,
        }
        for name, order in (("p", P), ("q", Q)):
            for sign in (1, -1):
                if 0 <= value + sign * order < 1 << 256:
                    others[f"{sign} {name}"] = (value + sign * order).to_bytes(
                        32, "big"
                    ) + following
        for name, bytes_of_two in others.items():
            bad = good[:at] + bytes_of_two + good[at + 64 :]
            if bad != good:
                yield f"{field}, element {at // 32}, {name}", claim.but(**{field: bad})


def lengths(claim: Claim, field: str) -> Iterator[tuple[str, Claim]]:
    """Shorter and longer, by bytes and by elements."""
    good: bytes = getattr(claim, field)
    for cut in {1, 31, 32, 64, len(good) // 2, len(good)}:
        if 0 < cut <= len(good):
            yield f"{field} without its last {cut}", claim.but(**{field: good[:-cut]})
            yield f"{field} without its first {cut}", claim.but(**{field: good[cut:]})
    for more in (b"\0", bytes(32), bytes(64), good):
        if more:
            yield f"{field} and {len(more)} more", claim.but(**{field: good + more})
            yield f"{len(more)} and {field}", claim.but(**{field: more + good})


def changes(claim: Claim, rng: random.Random) -> Iterator[tuple[str, Claim]]:
    for field in FIELDS:
        yield from flips(claim, field, rng)
        yield from lengths(claim, field)
    for field in ELEMENTS:
        yield from elements(claim, field)


def tried(name: str, claim: Claim, in_ci: int = 1 << 20) -> int:
    """How many changes the Rust verifier was given; it accepts none."""
    assert rust(claim) is None
    count, accepted = 0, []
    for what, other in part(changes(claim, random.Random(name)), in_ci, name):
        count += 1
        if rust(other) is None:
            accepted.append(what)
    print(f"{name}: {count} changes tried, {len(accepted)} accepted")
    assert accepted == []
    return count


@pytest.mark.parametrize(("name", "hiding"), [("mlp", False), ("mlp", True)])
def test_every_byte_in_rust(name: str, hiding: bool) -> None:
    claim = case(name, hiding=hiding).claim
    count = tried(f"{name}, hiding: {hiding}", claim)
    assert count > len(claim.proof) + len(claim.table)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["sigmoid", "digits", "attention", "grouped", "mixing", "weights_only"]
)
def test_every_byte_of_the_other_circuits_in_rust(name: str) -> None:
    tried(name, case(name).claim, in_ci=1200)


@pytest.mark.slow
def test_every_byte_of_a_lenet_proof_in_rust() -> None:
    graph = models.lenet5()
    lowered = lower(graph, Visibility(), log_columns=13)
    honest = case_of("lenet5", lowered, run(graph, models.random_inputs(graph, 1)), 1)
    claim = honest.claim
    count, accepted, rng = 0, 0, random.Random("lenet5")
    for field in ("proof", "context", "words"):
        for _, other in part(flips(claim, field, rng), 400, field):
            count += 1
            accepted += rust(other) is None
    print(f"lenet5: {count} changes tried, {accepted} accepted")
    assert accepted == 0
    every = len(claim.proof) + len(claim.context) + len(claim.words)
    assert count == size(every, 2 * 400 + len(claim.context))


def sample(name: str, count: int, hiding: bool) -> list[tuple[str, Claim]]:
    """A random sample of all changes, no field left out."""
    rng = random.Random(f"sample {name}")
    every = list(changes(case(name, hiding=hiding).claim, rng))
    some = rng.sample(every, count)
    for field in FIELDS:
        about = [x for x in every if x[0].startswith(field)]
        some += rng.sample(about, min(4, len(about)))
    return some


def both_refuse(name: str, count: int, hiding: bool = False) -> None:
    some = sample(name, count, hiding)
    for what, other in some:
        assert judge(other) is not None, what
    print(f"{name}: {len(some)} changes tried in Python and Rust, 0 accepted")


@pytest.mark.parametrize("name", ["mlp", "attention"])
def test_a_sample_in_python(name: str) -> None:
    both_refuse(name, 75)


@pytest.mark.slow
def test_a_sample_of_a_hiding_proof_in_python() -> None:
    both_refuse("mlp", size(150, 40), hiding=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits", "sigmoid", "grouped", "max_pool"])
def test_a_larger_sample_in_python(name: str) -> None:
    both_refuse(name, size(150, 30))


# ---- bundles ------------------------------------------------------------------------------------


def test_every_byte_of_a_bundle() -> None:
    """One random bit each, as ``tests/unit/test_verify.py`` does for ezkl."""
    made, rng = pipeline(), random.Random(0)
    good = made.proof.to_bytes()
    kinds = {1: 0, 3: 0}
    for at in range(len(good)):
        bad = bytearray(good)
        bad[at] ^= 1 << rng.randrange(8)
        with pytest.raises((VerificationError, MalformedError)) as caught:
            verifai.verify(Proof.from_bytes(bytes(bad)), made.vk)
        kinds[caught.value.exit_code] += 1
    print(f"bundle: {len(good)} bytes tried, 0 accepted")
    assert sum(kinds.values()) == len(good)
    assert kinds[1] >= len(made.proof.argument)


def test_every_byte_of_a_key() -> None:
    made, rng = pipeline(), random.Random(1)
    good = made.vk.to_bytes()
    for at in range(len(good)):
        bad = bytearray(good)
        bad[at] ^= 1 << rng.randrange(8)
        with pytest.raises((VerificationError, MalformedError)):
            verifai.verify(made.proof, VerifyingKey.from_bytes(bytes(bad)))
    print(f"verifying key: {len(good)} bytes tried, 0 accepted")


def test_resealed_changes_reach_the_proof_system() -> None:
    """With fresh digests all cheap checks pass: check 7 has to refuse."""
    made, rng = pipeline(), random.Random(2)
    argument = made.proof.argument
    for start in range(0, len(argument), 96):
        bad = bytearray(argument)
        bad[min(start + rng.randrange(96), len(bad) - 1)] ^= 1 << rng.randrange(8)
        with pytest.raises(VerificationError) as caught:
            verifai.verify(Proof.of(made.proof.statement, bytes(bad)), made.vk)
        assert caught.value.check == 7
