"""Fiat-Shamir with Keccak-256, and the proof that is read through it (docs/protocol.md, Transcript
and order).

::

    start      state = keccak256(domain)
    absorb     state = keccak256(state || header || payload)
    challenge  state = keccak256(state || header); the value is the state mod P

The header is 32 bytes: operation (1 absorb, 2 challenge), kind, length of the payload (8 bytes,
big-endian), label (22 bytes, zero-filled). What a proof holds can only be had from
:class:`ProofReader`, which absorbs it on the way: nothing is read that is not bound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

from verifai.errors import VerificationError
from verifai.verifier.native.curve import G1_BYTES, G1Point, decode_g1
from verifai.verifier.native.field import P
from verifai.verifier.native.keccak import keccak256

Element = TypeVar("Element")
SCALAR_BYTES = 32


class Kind(IntEnum):
    """The type of a payload, a byte of the header."""

    BYTES = 0
    SCALARS = 1
    G1 = 2
    G2 = 3
    INTEGERS = 4


@dataclass(frozen=True)
class TranscriptStep:
    """One line of a transcript's inventory; ``kind`` is None for a challenge."""

    label: str
    kind: Kind | None
    payload_bytes: int
    state: bytes


def refused(step: str, reason: str) -> VerificationError:
    """The proof is false or not a proof: check 7, naming the step that found out."""
    return VerificationError(f"{step}: {reason}", check=7, step=step)


class Transcript:
    """The chain of digests. ``record``, if given, receives every step in order."""

    def __init__(self, domain: str, record: list[TranscriptStep] | None = None) -> None:
        self.state = keccak256(domain.encode("ascii"))
        self._record = record

    def absorb(self, label: str, kind: Kind, payload: bytes) -> None:
        """Bind ``payload``, elements in canonical form one after another."""
        self._advance(1, kind, label, payload)

    def challenge(self, label: str) -> int:
        """Draw an element of F."""
        self._advance(2, None, label, b"")
        return int.from_bytes(self.state, "big") % P

    def challenges(self, label: str, count: int) -> list[int]:
        """Draw ``count`` elements, one after another, under one label."""
        return [self.challenge(label) for _ in range(count)]

    def _advance(self, operation: int, kind: Kind | None, label: str, payload: bytes) -> None:
        name = label.encode("ascii")
        assert 1 <= len(name) <= 22
        head = bytes([operation, kind or 0]) + len(payload).to_bytes(8, "big")
        self.state = keccak256(self.state + head + name.ljust(22, b"\0") + payload)
        if self._record is not None:
            self._record.append(TranscriptStep(label, kind, len(payload), self.state))


class ProofReader:
    """The messages of a proof in order: decoded strictly, absorbed, then returned."""

    def __init__(self, transcript: Transcript, proof: bytes) -> None:
        self.transcript = transcript
        self._proof = proof
        self._at = 0

    def scalars(self, label: str, count: int) -> list[int]:
        """``count`` elements of F.

        Raises:
            VerificationError: one is missing or not below P.
        """
        return self._receive(label, Kind.SCALARS, count, SCALAR_BYTES, decode_scalar)

    def points(self, label: str, count: int) -> list[G1Point]:
        """``count`` points of G1.

        Raises:
            VerificationError: one is missing, not canonical or not on the curve.
        """
        return self._receive(label, Kind.G1, count, G1_BYTES, decode_g1)

    def finish(self) -> None:
        """The proof ends here.

        Raises:
            VerificationError: bytes are left over.
        """
        if left := len(self._proof) - self._at:
            raise refused("end of the proof", f"{left} bytes follow")

    def _receive(
        self, label: str, kind: Kind, count: int, size: int, decode: Callable[[bytes], Element]
    ) -> list[Element]:
        if count == 0:  # a message of no elements is not sent and not absorbed
            return []
        payload = self._proof[self._at : self._at + count * size]
        if len(payload) != count * size:
            raise refused(label, f"the proof ends {count * size - len(payload)} bytes too early")
        elements = []
        for index in range(count):
            try:
                elements.append(decode(payload[index * size : (index + 1) * size]))
            except ValueError as error:
                raise refused(label, f"element {index}: {error}") from None
        self.transcript.absorb(label, kind, payload)
        self._at += count * size
        return elements


def decode_scalar(data: bytes) -> int:
    """An element of F from 32 bytes, big-endian.

    Raises:
        ValueError: not below P.
    """
    value = int.from_bytes(data, "big")
    if value >= P:
        raise ValueError("the scalar is not below the order of the field")
    return value


def encode_scalars(values: Sequence[int]) -> bytes:
    """32 bytes for each element, big-endian."""
    return b"".join(value.to_bytes(SCALAR_BYTES, "big") for value in values)
