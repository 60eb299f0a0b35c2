"""The named fields of a claim: every element that a prover chooses, and where it lies.

Nothing here knows the protocol. The proof's fields are what the Python verifier reads of an honest
proof, message by message; the others are the parts of the statement and of the key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.soundness.broken_verifier import compiled
from tests.soundness.proofs import Claim
from verifai.verifier.native.curve import G1_BYTES
from verifai.verifier.native.transcript import SCALAR_BYTES, Kind, ProofReader

#: Parts of a claim besides the proof, with the size of their elements in bytes.
ELEMENTS = {
    "words": (SCALAR_BYTES, "word"),
    "context": (SCALAR_BYTES, "digest"),
    "commitments": (G1_BYTES, "point"),
    "tau_g2": (SCALAR_BYTES, "coordinate"),
}


@dataclass(frozen=True)
class Field:
    """One element of a claim.

    Attributes:
        part: the claim's attribute that holds it.
        label: of the message, for the proof; else the part.
        message: which message of this label, counted from 0.
        index: which element of the message.
        kind: scalar, point, word, digest or coordinate.
        start, size: in bytes, within the part.
    """

    part: str
    label: str
    message: int
    index: int
    kind: str
    start: int
    size: int

    def __str__(self) -> str:
        return f"{self.label}[{self.message}].{self.index}"

    @property
    def end(self) -> int:
        """The first byte after it."""
        return self.start + self.size

    def of(self, claim: Claim) -> bytes:
        """Its bytes."""
        part: bytes = getattr(claim, self.part)
        return part[self.start : self.end]


@dataclass
class Reading:
    """What the verifier read, in order: the fields, and the decoded elements."""

    fields: list[Field] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)


def reader(reading: Reading) -> type[ProofReader]:
    """A reader of proofs that notes what it hands out."""

    class Noting(ProofReader):
        def _receive(
            self, label: str, kind: Kind, count: int, size: int, decode: Callable[[bytes], Any]
        ) -> list[Any]:
            elements = super()._receive(label, kind, count, size, decode)
            name = "point" if kind is Kind.G1 else "scalar"
            message = len({f.message for f in reading.fields if f.label == label})
            for index in range(len(elements)):
                start = self._at - (count - index) * size
                reading.fields.append(Field("proof", label, message, index, name, start, size))
            reading.values += elements
            return elements

    return Noting


def public_words(claim: Claim) -> list[int]:
    """The words as the Python verifier takes them."""
    data = claim.words
    return [int.from_bytes(data[i : i + 32], "big") for i in range(0, len(data), 32)]


def read(claim: Claim) -> Reading:
    """The Python verifier's reading of an honest proof.

    Raises:
        VerificationError: the proof is not honest.
    """
    reading = Reading()
    verify = compiled("verify", {"ProofReader": reader(reading)}).verify
    verify(
        *claim.key,
        claim.batch,
        claim.context,
        public_words(claim),
        claim.proof,
    )
    return reading


def proof_fields(claim: Claim) -> list[Field]:
    """The fields of an honest proof, which cover each of its bytes once."""
    return read(claim).fields


def statement_fields(claim: Claim) -> list[Field]:
    """The elements of words, context, weight commitments and tau H2."""
    found = []
    for part, (size, kind) in ELEMENTS.items():
        for index, start in enumerate(range(0, len(getattr(claim, part)), size)):
            found.append(Field(part, part, 0, index, kind, start, size))
    return found


def gaps(fields: list[Field], length: int) -> list[int]:
    """The bytes that belong to no field, or to more than one."""
    owners = [0] * length
    for each in fields:
        for at in range(each.start, each.end):
            owners[at] += 1
    return [at for at, count in enumerate(owners) if count != 1]
