"""What a transcript absorbs and draws, in order, pinned in ``transcript.json``.

After an intended change of the protocol (a new domain, see ``CONTRIBUTING.md``), write the file
anew: ``python -m tests.soundness.test_transcript_inventory``.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.soundness.broken_verifier import MODULES
from tests.soundness.field_lies import claim_of
from tests.soundness.lying_prover import Liar, circuit
from tests.soundness.proofs import Claim, case
from verifai.errors import VerificationError
from verifai.verifier.native import TranscriptStep, verify
from verifai.verifier.native.field import P
from verifai.verifier.native.transcript import Transcript
from verifai.verifier.native.verify import DOMAIN

GOLDEN = Path(__file__).parent / "transcript.json"
CIRCUITS = ("sigmoid", "mlp")


def record(claim: Claim) -> list[TranscriptStep]:
    """The steps of a verification, whether it ends well or not."""
    steps: list[TranscriptStep] = []
    words = [int.from_bytes(claim.words[i : i + 32], "big") for i in range(0, len(claim.words), 32)]
    arguments = (*claim.key, claim.batch, claim.context, words)
    with contextlib.suppress(VerificationError):
        verify(*arguments, claim.proof, record=steps)
    assert steps, "refused before anything was absorbed"
    return steps


def inventory(name: str) -> list[list[Any]]:
    """[label, kind, bytes] of each step; a challenge has no kind. Repetitions are counted."""
    runs: list[list[Any]] = []
    for step in record(case(name).claim):
        entry = [step.label, step.kind.name if step.kind is not None else None, step.payload_bytes]
        if runs and runs[-1][:3] == entry:
            runs[-1][3] += 1
        else:
            runs.append([*entry, 1])
    return runs


@pytest.mark.parametrize("name", CIRCUITS)
def test_the_inventory_is_pinned(name: str) -> None:
    assert inventory(name) == json.loads(GOLDEN.read_text(encoding="utf-8"))[name]


def test_the_slow_prover_keeps_the_same_transcript() -> None:
    """Labels, kinds and payloads of a second implementation end in the same state."""
    liar = Liar(circuit())
    liar.prove()
    steps = record(claim_of(liar))
    assert steps[-1].state == liar.w.state
    drawn = [int.from_bytes(s.state, "big") % P for s in steps if s.kind is None]
    assert sorted(drawn) == sorted(v for values in liar.w.drawn.values() for v in values)


def messages(claim: Claim) -> list[tuple[str, int, int]]:
    """(label, first byte, bytes) of each message of the proof."""
    found, at = [], 0
    statement = {"key", "batch", "context", "public words"}
    for step in record(claim):
        if step.kind is not None and step.label not in statement:
            found.append((step.label, at, step.payload_bytes))
            at += step.payload_bytes
    assert at == len(claim.proof)
    return found


def moved_by(honest: list[tuple[str, Any, bytes]], ends_only: bool) -> int:
    """One element of each payload changed, one at a time: no later state stays as it was."""
    before = states(honest)
    positions = 0
    for number, (label, kind, payload) in enumerate(honest):
        places = range(0, len(payload), 32)
        if kind is not None and ends_only:
            places = sorted({0, places[-1]})
        for at in places:
            flipped = bytearray(payload)
            flipped[min(at + 31, len(payload) - 1)] ^= 1
            changed = [(label, kind, bytes(flipped)), *honest[number + 1 :]]
            start = before[number - 1] if number else None
            after = states(changed, start)
            assert len(after) == len(before) - number
            assert all(a != b for a, b in zip(before[number:], after, strict=True)), (number, at)
            positions += 1
    return positions


def test_every_message_moves_every_later_challenge() -> None:
    """The first and the last element of each."""
    honest = replayed(case("sigmoid").claim)
    count = moved_by(honest, ends_only=True)
    absorbed = sum(kind is not None for _, kind, _ in honest)
    print(f"{absorbed} messages, {count} elements changed, all later challenges moved")
    assert count > absorbed


@pytest.mark.slow
def test_every_element_moves_every_later_challenge() -> None:
    claim = case("mlp").claim
    count = moved_by(replayed(claim), ends_only=False)
    print(f"{count} elements changed, all later challenges moved")
    assert count == (32 + 32 + 32 + len(claim.words) + len(claim.proof)) // 32


def replayed(claim: Claim) -> list[tuple[str, Any, bytes]]:
    """(label, kind, payload) of every step; the payloads are those that the verifier absorbed."""
    steps: list[tuple[str, Any, bytes]] = []

    class Tape(Transcript):
        def _advance(self, operation: int, kind: Any, label: str, payload: bytes) -> None:
            steps.append((label, kind, payload))
            super()._advance(operation, kind, label, payload)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODULES["verify"], "Transcript", Tape)
        record(claim)
    return steps


def states(steps: list[tuple[str, Any, bytes]], start: bytes | None = None) -> list[bytes]:
    """The transcript's state after each step, from its beginning or from a state."""
    transcript = Transcript(DOMAIN)
    transcript.state = start or transcript.state
    found = []
    for label, kind, payload in steps:
        if kind is None:
            transcript.challenge(label)
        else:
            transcript.absorb(label, kind, payload)
        found.append(transcript.state)
    return found


def test_the_verifier_absorbs_what_it_reads() -> None:
    """A changed message, word, key, batch or context: all later challenges of a verification."""
    claim = case("sigmoid").claim
    honest = record(claim)
    assert claim.table.count(b'"first":-128') == 1
    tampered = {
        "key": claim.but(table=claim.table.replace(b'"first":-128', b'"first":-127')),
        "context": claim.but(context=bytes(31) + b"\1"),
        "public words": claim.but(words=claim.words[:-1] + bytes([claim.words[-1] ^ 1])),
    }
    points = {s.label for s in honest if s.kind is not None and s.kind.name == "G1"}
    for label, start, _ in messages(claim):
        bad = bytearray(claim.proof)
        if label in points:
            bad[start : start + 64] = (1).to_bytes(32, "big") + (2).to_bytes(32, "big")
        else:  # another low bit, and still below p
            bad[start + 31] ^= 1
        tampered[f"{label} at {start}"] = claim.but(proof=bytes(bad))
    for what, other in tampered.items():
        moved = record(other)
        first = next(i for i, (a, b) in enumerate(zip(honest, moved, strict=False)) if a != b)
        assert what.startswith(honest[first].label), (what, honest[first].label)
        later = list(zip(honest[first:], moved[first:], strict=False))
        assert later
        assert all(a.label == b.label and a.state != b.state for a, b in later), what
    assert len(tampered) == 3 + len(messages(claim))


if __name__ == "__main__":
    lines = [f' "{name}": [\n  ' for name in CIRCUITS]
    body = [
        line + ",\n  ".join(json.dumps(entry) for entry in inventory(name)) + "\n ]"
        for line, name in zip(lines, CIRCUITS, strict=True)
    ]
    GOLDEN.write_text("{\n" + ",\n".join(body) + "\n}\n", encoding="utf-8")
