"""The proof bundle: statement, proof and digests in one flat file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, ClassVar

from verifai.limits import MAX_PROOF_BYTES
from verifai.proof import codec
from verifai.proof.artefact import Artefact
from verifai.proof.codec import Readers, exact_fields, hex_digest, read_fields
from verifai.proof.opening import Opening
from verifai.proof.plain import to_plain
from verifai.proof.statement import Statement


@dataclass(frozen=True)
class Digests:
    """Digests written beside the content, so that damage and forgery are told apart by name."""

    statement: str
    proof: str

    @classmethod
    def from_json(cls, value: Any, what: str) -> Digests:
        named = {"statement": f"{what}.statement", "proof": f"{what}.proof"}
        found = exact_fields(value, list(named), what)
        return cls(**{name: hex_digest(found[name], text) for name, text in named.items()})


@dataclass(frozen=True, repr=False)
class Proof(Artefact):
    """A statement and the argument for it.

    Having a ``Proof`` means nothing: only :func:`verifai.verify` says whether it holds.

    Attributes:
        statement: what is claimed.
        argument: the backend's proof bytes, opaque here.
        digests: as written in the file; verification recomputes them (check 1).
        openings: of committed tensors, by name; ``prove`` gives them, and no file of a proof has
            them: they are secrets.
    """

    KIND: ClassVar = b"PROF"
    SECTIONS: ClassVar = 1
    LIMIT: ClassVar = MAX_PROOF_BYTES

    statement: Statement
    argument: bytes
    digests: Digests = field(repr=False)
    openings: Mapping[str, Opening] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, statement: Statement, argument: bytes) -> Proof:
        """A bundle whose digests are computed from its content."""
        digests = Digests(statement.digest, codec.digest("proof/1", argument))
        return cls(statement, argument, digests)

    def recomputed_digests(self) -> Digests:
        """The digests of what is really there."""
        return Proof.of(self.statement, self.argument).digests

    @property
    def digest(self) -> str:
        """SHA-256 of the bundle's bytes: its name in stores and on chain."""
        return codec.digest("bundle/1", self.to_bytes())

    @classmethod
    def _from(cls, header: dict[str, Any], sections: list[memoryview]) -> Proof:
        readers: Readers = {"statement": Statement.from_json, "digests": Digests.from_json}
        return cls(argument=bytes(sections[0]), **read_fields(header, readers, "A bundle"))

    def _header(self) -> dict[str, Any]:
        return {"statement": self.statement.to_json(), "digests": to_plain(self.digests)}

    def _sections(self) -> tuple[bytes]:
        return (self.argument,)

    def __repr__(self) -> str:
        return f"Proof({len(self.argument):,} bytes, {self.statement!r})"


def bundle_schema() -> str:
    """The JSON schema (draft 2020-12) of a bundle's header, as text."""
    return (resources.files("verifai.proof") / "schema" / "bundle.json").read_text("ascii")
