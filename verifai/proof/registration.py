"""The registration proof: shown once for a key, that its committed weights are in their ranges."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from verifai.limits import MAX_PROOF_BYTES
from verifai.proof.artefact import Artefact
from verifai.proof.codec import hex_digest, read_fields


@dataclass(frozen=True, repr=False)
class Registration(Artefact):
    """A proof about a verifying key, kept beside it.

    Having one means nothing: ``verify(proof, key, registration=...)`` says whether it holds.

    Attributes:
        verifying_key: digest of the key that it is about.
        argument: the proof bytes.
    """

    KIND: ClassVar = b"REGI"
    SECTIONS: ClassVar = 1
    LIMIT: ClassVar = MAX_PROOF_BYTES

    verifying_key: str
    argument: bytes = field(repr=False)

    @classmethod
    def _from(cls, header: dict[str, Any], sections: list[memoryview]) -> Registration:
        found = read_fields(header, {"verifying_key": hex_digest}, "A registration")
        return cls(argument=bytes(sections[0]), **found)

    def _header(self) -> dict[str, Any]:
        return {"verifying_key": self.verifying_key}

    def _sections(self) -> tuple[bytes]:
        return (self.argument,)

    def __repr__(self) -> str:
        return f"Registration(key {self.verifying_key[:12]}, {len(self.argument):,} bytes)"
