"""No mutant of an honest proof is accepted, and the suite would notice one that is."""

from __future__ import annotations

from itertools import islice

import pytest

from tests.campaign import size
from tests.hostile.bundles import accepted, bundles
from tests.hostile.judge import Verdict, python_verdict, rust
from tests.hostile.plan import Attempt, attempts
from tests.hostile.recomputed import adaptive, frozen, frozen_verifier
from tests.hostile.scene import Scene
from tests.hostile.suite import Tally, missed, run
from tests.hostile.targets import CIRCUITS, TARGETS, target
from tests.needs import skip_without
from tests.soundness.broken_verifier import Verifier, with_decoders, without_checks
from tests.soundness.proofs import Claim, python
from verifai.verifier.native.field import P

skip_without("verifai._native", "torch", "sklearn")

FAST = (("digits", True, 1), ("digits", False, 1))


#: Honest verifications that a refusal may cost at most; on an idle machine about one is measured.
SLOWEST = 10


def holds(tally: Tally, mutants: int, twice: int) -> None:
    """The goals of every run."""
    assert tally.total >= mutants
    assert tally.judged_twice >= twice
    assert tally.accepted == []
    assert tally.crashes == []
    assert tally.hangs == []
    assert tally.disagreements == []
    assert tally.ratio() <= SLOWEST, tally.slowest


def test_no_mutant_is_accepted() -> None:
    tally = run(1500, 20, FAST, recompute=False)
    holds(tally, 1500, 20)
    for name, labels in tally.labels.items():
        changed = {text.rpartition("[")[0] for text in tally.changed[name]}
        assert changed == labels


@pytest.mark.slow
def test_no_mutant_of_any_target_is_accepted() -> None:
    mutants, twice = size(15_000, 9_000), size(90, 36)
    tally = run(mutants, twice, recompute=False)
    holds(tally, mutants, twice)
    assert set(tally.by_target) == {target(*which).name for which in TARGETS}
    # the first proof of each circuit has enough attempts for every field
    assert not {target(c).name for c in CIRCUITS} & set(missed(tally))


@pytest.mark.slow
@pytest.mark.parametrize("circuit", CIRCUITS)
def test_no_lying_bundle_is_accepted(circuit: str) -> None:
    names = list(CIRCUITS)
    stranger = names[(names.index(circuit) + 1) % len(names)]
    told = bundles(circuit, stranger)
    assert [name for name, bundle in told.items() if accepted(bundle)] == []
    assert len(told) >= 20


# ---- attempts that repair what they break -------------------------------------------------------


def refused_by_one_check(number: int, attempt: Attempt) -> None:
    """Every second attempt repairs the last check only, the others the folding too."""
    left = ("opening folding", "opening pairing")[number % 2 :]
    assert not rust(attempt.claim).accepted, attempt
    assert python(attempt.claim) == left[0], attempt
    assert python(attempt.claim, without_checks(*left)) is None, attempt


def refused_by_the_transcript(forgetful: Verifier, attempt: Attempt) -> None:
    assert not rust(attempt.claim).accepted, attempt
    assert python(attempt.claim) is not None, attempt
    assert python(attempt.claim, forgetful) is None, attempt


def test_some_recomputed_messages() -> None:
    scene = Scene(target("digits"))
    for number, attempt in enumerate(islice(adaptive(scene), 4)):
        refused_by_one_check(number, attempt)
    forgetful = frozen_verifier(scene.honest)
    for attempt in islice(frozen(scene), 4):
        refused_by_the_transcript(forgetful, attempt)


@pytest.mark.slow
@pytest.mark.parametrize("hiding", [True, False])
def test_recomputed_messages_get_past_all_checks_but_one(hiding: bool) -> None:
    """Refused by both verifiers, each by the check that was not repaired; accepted without it."""
    scene = Scene(target("digits", hiding))
    labels = set()
    for number, attempt in enumerate(adaptive(scene)):
        refused_by_one_check(number, attempt)
        labels.add(attempt.field.label)
    assert labels >= {"stage 1", "stage 2", "zerocheck", "columns", "ends", "last", "words"}
    assert labels >= {"context", "commitments"}


@pytest.mark.slow
@pytest.mark.parametrize("hiding", [True, False])
def test_only_the_transcript_refuses_what_fits_the_old_challenges(hiding: bool) -> None:
    """For every label, W' excepted: it stands on both sides of the pairing."""
    scene = Scene(target("digits", hiding))
    forgetful = frozen_verifier(scene.honest)
    labels = set()
    for attempt in frozen(scene):
        refused_by_the_transcript(forgetful, attempt)
        labels.add(attempt.field.label)
    every = {f.label for f in scene.fields}
    fixed = {"tau_g2", "table", "batch", "opening W'"}
    # without hiding a blinding stands alone: no other element makes up for it
    assert labels == every - fixed - (set() if hiding else {"opening blinding"})


# ---- the suite can fail -------------------------------------------------------------------------


def credulous(claim: Claim) -> Verdict:
    return Verdict(True, None, 0.0, 0.0)


def test_a_verifier_that_accepts_everything_is_noticed() -> None:
    tally = run(300, 4, FAST[:1], judge=credulous, recompute=False)
    assert len(tally.accepted) == tally.total
    assert len(tally.disagreements) == tally.judged_twice > 0


def test_a_crash_is_noticed() -> None:
    def crashing(claim: Claim) -> Verdict:
        return Verdict(claim == target("digits").honest, "RuntimeError: panic", 0.0, 0.0)

    tally = run(50, 0, FAST[:1], judge=crashing, recompute=False)
    assert len(tally.crashes) == tally.total


def test_a_slow_refusal_is_noticed() -> None:
    def slow(claim: Claim) -> Verdict:
        honest = claim == target("digits").honest
        seconds = 0.001 if honest else 0.002 * SLOWEST
        return Verdict(honest, None, seconds, seconds)

    assert run(50, 0, FAST[:1], judge=slow, recompute=False).ratio() == 2 * SLOWEST


def reduced_scalar(data: bytes) -> int:
    return int.from_bytes(data, "big") % P


def test_a_verifier_without_an_end_accepts_trailing_bytes() -> None:
    scene = Scene(target("digits"))
    broken = without_checks("length", "end of the proof")
    tried = [a for a in attempts(scene, 2000) if a.way.name == "trailing bytes"]
    tried = [a for a in tried if a.field.part == "proof"][:3]
    assert len(tried) == 3
    for attempt in tried:
        assert not rust(attempt.claim).accepted
        assert python(attempt.claim, broken) is None


def test_a_verifier_without_checks_accepts_random_mutants() -> None:
    """The three checks that decide left out: what is left are encodings and lengths."""
    broken = without_checks("tail", "opening folding", "opening pairing")
    scene = Scene(target("digits"))
    names = ("one more", "negated", "point + G", "element, other input")
    for name in names:
        attempt = next(
            a
            for a in attempts(scene, 3000)
            if a.way.name == name and a.field.part == "proof" and a.field.size == len_of(name)
        )
        assert not rust(attempt.claim).accepted
        assert python_verdict(attempt.claim) == (False, None)
        assert python(attempt.claim, broken) is None, attempt


def len_of(name: str) -> int:
    return 64 if "point" in name else 32


def test_a_reader_that_reduces_is_noticed_only_with_the_transcript() -> None:
    """value + p in the last scalar: other bytes, so other challenges, unless these are fixed."""
    scene = Scene(target("digits"))
    attempt = next(
        a
        for a in attempts(scene, 6000)
        if a.way.name == "value + p" and a.field.label == "opening evaluations"
    )
    assert python(attempt.claim) == "opening evaluations"
    lenient = with_decoders(decode_scalar=reduced_scalar)
    assert python(attempt.claim, lenient) not in (None, "opening evaluations")
