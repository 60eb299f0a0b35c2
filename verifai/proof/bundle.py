"""The proof bundle: statement, proof and digests in one flat file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Final

from verifai.limits import MAX_PROOF_BYTES
from verifai.proof import codec
from verifai.proof.codec import exact_fields, hex_digest
from verifai.proof.opening import Opening
from verifai.proof.statement import Statement

KIND: Final = b"PROF"
VERSION: Final = 1


@dataclass(frozen=True)
class Digests:
    """Digests written beside the content, so that damage and forgery are told apart by name."""

    statement: str
    proof: str

    def to_json(self) -> dict[str, str]:
        return {"statement": self.statement, "proof": self.proof}


@dataclass(frozen=True, repr=False)
class Proof:
    """A statement and the argument for it.

    Having a ``Proof`` means nothing: only :func:`verifai.verify` says whether it holds.

    Attributes:
        statement: what is claimed.
        argument: the backend's proof bytes, opaque here.
        digests: as written in the file; verification recomputes them (check 1).
        openings: of committed tensors, by name; ``prove`` gives them, and no file of a proof has
            them: they are secrets.
    """

    statement: Statement
    argument: bytes
    digests: Digests = field(repr=False)
    openings: Mapping[str, Opening] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, statement: Statement, argument: bytes) -> Proof:
        """A bundle whose digests are computed from its content."""
        return cls(statement, argument, cls._digests(statement, argument))

    @staticmethod
    def _digests(statement: Statement, argument: bytes) -> Digests:
        return Digests(statement.digest, codec.digest("proof/1", argument))

    def recomputed_digests(self) -> Digests:
        """The digests of what is really there."""
        return self._digests(self.statement, self.argument)

    @property
    def digest(self) -> str:
        """SHA-256 of the bundle's bytes: its name in stores and on chain."""
        return codec.digest("bundle/1", self.to_bytes())

    def to_bytes(self) -> bytes:
        """The one canonical encoding (``docs/formats/bundle.md``)."""
        return codec.pack(KIND, VERSION, self._header(), (self.argument,))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the bundle atomically and return its path."""
        return codec.write(path, KIND, VERSION, self._header(), (self.argument,))

    @classmethod
    def from_bytes(cls, data: bytes) -> Proof:
        """Strict reader: shape and encoding only, no claim is checked.

        Raises:
            MalformedError: not the canonical encoding of a bundle.
        """
        return cls._from(*codec.unpack(data, KIND, VERSION, 1, limit=MAX_PROOF_BYTES))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Proof:
        """Read a bundle file. Raises as :meth:`from_bytes`."""
        return cls._from(*codec.read(path, KIND, VERSION, 1, limit=MAX_PROOF_BYTES))

    @classmethod
    def _from(cls, header: dict[str, Any], sections: list[memoryview]) -> Proof:
        fields = exact_fields(header, ("statement", "digests"), "A bundle")
        digests = exact_fields(fields["digests"], ("statement", "proof"), "digests")
        return cls(
            Statement.from_json(fields["statement"]),
            bytes(sections[0]),
            Digests(
                hex_digest(digests["statement"], "digests.statement"),
                hex_digest(digests["proof"], "digests.proof"),
            ),
        )

    def _header(self) -> dict[str, Any]:
        return {"statement": self.statement.to_json(), "digests": self.digests.to_json()}

    def __repr__(self) -> str:
        return f"Proof({len(self.argument):,} bytes, {self.statement!r})"


def bundle_schema() -> str:
    """The JSON schema (draft 2020-12) of a bundle's header, as text."""
    return (resources.files("verifai.proof") / "schema" / "bundle.json").read_text("ascii")
