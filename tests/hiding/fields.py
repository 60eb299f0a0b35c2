"""A proof cut into its messages, with the challenges that it was given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.soundness.proofs import Claim
from verifai.proof.key import key_digest
from verifai.verifier.native import TranscriptStep, verify
from verifai.verifier.native.field import P
from verifai.verifier.native.keccak import keccak256

#: What is absorbed before the proof.
STATEMENT = ("key", "batch", "context", "public words")


@dataclass
class Reading:
    """Scalars as integers and points as 64 bytes, message after message; challenges alike."""

    scalars: dict[str, list[list[int]]] = field(default_factory=dict)
    points: dict[str, list[bytes]] = field(default_factory=dict)
    challenges: dict[str, list[int]] = field(default_factory=dict)

    def flat(self) -> Iterator[tuple[tuple[str, int], int]]:
        """Every scalar with its name: label, and number within the label."""
        for label, messages in self.scalars.items():
            for number, value in enumerate(v for message in messages for v in message):
                yield (label, number), value


_INVENTORIES: dict[tuple[bytes, int, int], list[TranscriptStep]] = {}


def inventory(claim: Claim) -> list[TranscriptStep]:
    """The steps of all proofs of a table, batch and number of words, from one that verifies."""
    shape = (claim.table, claim.batch, len(claim.words))
    if shape not in _INVENTORIES:
        record: list[TranscriptStep] = []
        words = claim.words
        numbers = [int.from_bytes(words[i : i + 32], "big") for i in range(0, len(words), 32)]
        verify(*claim.key, claim.batch, claim.context, numbers, claim.proof, record)
        _INVENTORIES[shape] = record
    return _INVENTORIES[shape]


def read(claim: Claim, *, challenges: bool = True) -> Reading:
    """All messages of a proof, and its challenges if asked for: hashing takes its time.

    Nothing is verified but the first proof of a table.
    """
    reading, at = Reading(), 0
    state = keccak256(b"verifai-native-2")
    statement = {
        "key": key_digest(*claim.key),
        "batch": claim.batch.to_bytes(32, "big"),
        "context": claim.context,
        "public words": claim.words,
    }
    for step in inventory(claim):
        if step.label in STATEMENT:
            payload = statement[step.label]
        else:
            payload = claim.proof[at : at + step.payload_bytes]
            at += step.payload_bytes
        if challenges:
            state = advance(state, step, payload)
        if step.kind is None:
            reading.challenges.setdefault(step.label, []).append(int.from_bytes(state, "big") % P)
        elif step.label in STATEMENT:
            continue
        elif step.kind == 1:
            values = [
                int.from_bytes(payload[i : i + 32], "big") for i in range(0, len(payload), 32)
            ]
            reading.scalars.setdefault(step.label, []).append(values)
        else:
            cut = [payload[i : i + 64] for i in range(0, len(payload), 64)]
            reading.points.setdefault(step.label, []).extend(cut)
    assert at == len(claim.proof)
    return reading


def advance(state: bytes, step: TranscriptStep, payload: bytes) -> bytes:
    """The state after a step."""
    head = bytes([2 if step.kind is None else 1, step.kind or 0])
    head += step.payload_bytes.to_bytes(8, "big") + step.label.encode().ljust(22, b"\0")
    return keccak256(state + head + payload)
