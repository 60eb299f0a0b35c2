"""The contract refuses what the hostile suite makes of honest proofs, each with a typed error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.campaign import size
from tests.contracts.native.circuits import (
    Verifier,
    claim_of,
    refusal,
    table_of,
    verify_calldata,
    words_of,
)
from tests.hostile.plan import attempts
from tests.hostile.scene import Scene
from tests.hostile.targets import target
from tests.needs import skip_without
from tests.soundness.proofs import Claim
from verifai.compact import compact_table

skip_without("torch", "sklearn")

#: Circuit, hiding, batch: see tests/hostile/targets.py.
Attacked = tuple[str, bool, int]
DIGITS: Attacked = ("digits", True, 1)
#: Mutants of each target; together more than 5,000.
MUTANTS = {
    DIGITS: 2_600,
    ("operators", True, 1): 1_600,
    ("digits", True, 2): 500,  # inputs and outputs are committed
    ("lenet", True, 1): 900,
}


def mutants(circuit: Attacked, count: int) -> Iterator[tuple[str, Claim]]:
    """Mutants that are about the registered circuit, and that calldata can express."""
    scene = Scene(target(*circuit))
    honest, found = scene.honest, 0
    for attempt in attempts(scene, 4 * count):
        claim = attempt.claim
        same = ("table", "commitments", "tau_g2", "batch")
        if any(getattr(claim, name) != getattr(honest, name) for name in same):
            continue
        if len(claim.words) % 32 or any(word >> 128 for word in words_of(claim)):
            continue
        found += 1
        yield str(attempt), claim
        if found == count:
            return
    raise AssertionError(f"only {found} mutants of {circuit}")


def registered(verifier: Verifier, circuit: Attacked) -> tuple[bytes, Claim]:
    honest = target(*circuit).honest
    table = compact_table(*honest.key, honest.batch)
    return verifier.register(table), honest


def judge_all(verifier: Verifier, circuit: Attacked, count: int) -> Counter[str]:
    """How often each step refused."""
    name, honest = registered(verifier, circuit)
    assert verifier.judge(name, honest) is None
    steps: Counter[str] = Counter()
    for told, claim in mutants(circuit, count):
        said = verifier.judge(name, claim)
        assert said is not None, f"accepted: {told}"
        assert said[0] == "ProofRefused", told
        steps[said[1]] += 1
    return steps


def test_a_sample_of_mutants(node: Verifier) -> None:
    steps = judge_all(node, DIGITS, 150)
    assert len(steps) >= 5


@pytest.mark.slow
@pytest.mark.parametrize("circuit", MUTANTS)
def test_mutants_of_every_kind(node: Verifier, circuit: Attacked) -> None:
    count = size(MUTANTS[circuit], MUTANTS[circuit] // 5)
    steps = judge_all(node, circuit, count)
    print(circuit, dict(steps))
    assert steps.total() == count
    assert sum(MUTANTS.values()) > 5_000


@pytest.mark.slow
@pytest.mark.parametrize("circuit", MUTANTS)
def test_some_of_them_on_the_embedded_chain(embedded: Verifier, circuit: Attacked) -> None:
    """py-evm takes up to two seconds for each: in CI there are ten, of eight ways or more."""
    count = size(MUTANTS[circuit] // 10, 10)
    assert judge_all(embedded, circuit, count).total() == count


def test_one_encoding_for_one_call(node: Verifier) -> None:
    """Other offsets, gaps, bytes after the end, padding that is not zero: refused or malformed."""
    name, honest = registered(node, DIGITS)
    data = verify_calldata(name, honest.context, words_of(honest), honest.proof)
    assert node.call(data) is None
    words = len(honest.words) // 2
    padded = (words + 31) // 32 * 32
    head, rest = data[:4], data[4:]

    def word(at: int, value: int) -> bytes:
        return rest[:at] + value.to_bytes(32, "big") + rest[at + 32 :]

    far = (1 << 256) - 32
    variants = {
        "a byte more": rest + b"\0",
        "a word more": rest + bytes(32),
        "a byte less": rest[:-1],
        "both texts exchanged in place": rest[:64] + rest[96:128] + rest[64:96] + rest[128:],
        "words are the proof": word(64, 128 + 32 + padded),
        "the proof is the words": word(96, 128),
        "words far away": word(64, far),
        "a proof far away": word(96, far),
        "more words than there are": word(128, far),
        "a longer proof": word(128 + 32 + padded, len(honest.proof) + 32),
        "a gap": word(96, 128 + 64 + padded)[: 160 + padded] + bytes(32) + rest[160 + padded :],
        "an endless proof": word(128 + 32 + padded, far),
    }
    for told, bad in variants.items():
        answer = node.call(head + bad)
        assert answer is not None, told
        assert answer == b"" or refusal(answer) is not None, told


def test_padding_of_words_is_zero(node: Verifier) -> None:
    """An odd number of words ends in the middle of a word of calldata."""
    claim, circuit = claim_of("attention", 1, True), node.register(table_of("attention", 1, True))
    count = len(words_of(claim))
    assert count % 2
    data = verify_calldata(circuit, claim.context, words_of(claim), claim.proof)
    assert node.call(data) is None
    end = 4 + 160 + 16 * count
    for at in (end, end + 15):
        assert data[at] == 0
        answer = node.call(data[:at] + b"\1" + data[at + 1 :])
        assert answer is not None
        assert refusal(answer) == ("ProofRefused", "calldata")
