"""The registration proof: shown once for a key, that its committed weights are in their ranges."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from verifai.limits import MAX_PROOF_BYTES
from verifai.proof import codec
from verifai.proof.codec import exact_fields, hex_digest

KIND: Final = b"REGI"
VERSION: Final = 1


@dataclass(frozen=True, repr=False)
class Registration:
    """A proof about a verifying key, kept beside it.

    Having one means nothing: ``verify(proof, key, registration=...)`` says whether it holds.

    Attributes:
        verifying_key: digest of the key that it is about.
        argument: the proof bytes.
    """

    verifying_key: str
    argument: bytes = field(repr=False)

    def to_bytes(self) -> bytes:
        """The one canonical encoding."""
        return codec.pack(KIND, VERSION, {"verifying_key": self.verifying_key}, (self.argument,))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the file atomically and return its path."""
        header = {"verifying_key": self.verifying_key}
        return codec.write(path, KIND, VERSION, header, (self.argument,))

    @classmethod
    def from_bytes(cls, data: bytes) -> Registration:
        """Strict reader.

        Raises:
            MalformedError: not the canonical encoding of a registration.
        """
        return cls._from(*codec.unpack(data, KIND, VERSION, 1, limit=MAX_PROOF_BYTES))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Registration:
        """Read a file. Raises as :meth:`from_bytes`."""
        return cls._from(*codec.read(path, KIND, VERSION, 1, limit=MAX_PROOF_BYTES))

    @classmethod
    def _from(cls, header: dict[str, Any], sections: list[memoryview]) -> Registration:
        fields = exact_fields(header, ("verifying_key",), "A registration")
        return cls(hex_digest(fields["verifying_key"], "verifying_key"), bytes(sections[0]))

    def __repr__(self) -> str:
        return f"Registration(key {self.verifying_key[:12]}, {len(self.argument):,} bytes)"
