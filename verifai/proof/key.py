"""The verifying key: everything a verifier must trust, in one file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, ClassVar, TypeVar

from verifai.errors import MalformedError
from verifai.limits import MAX_VERIFYING_KEY_BYTES
from verifai.proof import codec
from verifai.proof.artefact import Artefact
from verifai.proof.codec import Readers, Section, hex_digest, read_fields, sha256
from verifai.proof.plain import fields_of
from verifai.proof.statement import Guarantees, Statement, weights_from_json
from verifai.proof.tensor import TensorClaim, TensorSpec, specs_from_json

Made = TypeVar("Made")


def key_digest(header: bytes, *material: Section) -> bytes:
    """The digest of a key, 32 bytes: SHA-256 over the digests of its header and of each section.

    A contract that knows these digests, and not what they stand for, computes it too.

    Args:
        header: SHA-256 of the header's canonical JSON.
        material: the sections of the key's file, in order.
    """
    return bytes.fromhex(codec.digest("verifying-key/2", header + b"".join(map(sha256, material))))


@dataclass(frozen=True, repr=False)
class VerifyingKey(Artefact):
    """What :func:`verifai.verify` checks a proof against.

    The key fixes every field of a statement except the public values, the commitments and the
    context; :meth:`statement` puts those together.

    Attributes:
        model: names the ONNX model: its digest, or a commitment to it where the key hides the
            weights (:mod:`verifai.proof.model_name`).
        circuit: digest of the circuit, under that name.
        weights: ``private`` or ``public``.
        inputs, outputs: tensor specs in the model's order.
        guarantees: backend, version, zero knowledge, reference string.
        proof_bytes: exact length of a proof; a longer or shorter one is refused unread.
        material: the backend's own key, which only its verifier reads: three sections, for
            ``native`` the operation table, the commitments of the weights, and tau H2.
    """

    KIND: ClassVar = b"VKEY"
    SECTIONS: ClassVar = 3
    LIMIT: ClassVar = MAX_VERIFYING_KEY_BYTES

    model: str
    circuit: str
    weights: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    guarantees: Guarantees
    proof_bytes: int
    material: tuple[Section, ...] = field(repr=False)

    @cached_property
    def digest(self) -> str:
        """What names the key everywhere: in statements, transcripts, registrations, on chains."""
        return key_digest(self.header_digest, *self.material).hex()

    @cached_property
    def header_digest(self) -> bytes:
        """SHA-256 of the header's canonical JSON, 32 bytes: what the key says of itself."""
        return sha256(codec.canonical_json(self._header()))

    def kept(self, make: Callable[[VerifyingKey], Made]) -> Made:
        """``make(key)``, made once for as long as this object lives.

        What is kept is no part of the key: no comparison, file, copy or pickle has it.
        """
        made: dict[Any, Made] = vars(self).setdefault("_kept", {})
        if make not in made:
            made[make] = make(self)
        return made[make]

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def hides_weights(self) -> bool:
        """Whether nothing here tests a guess of the weights: they are private, and blinded.

        The ezkl backend, and native keys made without zero knowledge, commit to them unblinded.
        """
        g = self.guarantees
        return self.weights == "private" and g.backend == "native" and g.zero_knowledge

    def statement(
        self,
        inputs: Sequence[TensorClaim],
        outputs: Sequence[TensorClaim],
        context: Mapping[str, str | int] | None = None,
    ) -> Statement:
        """The statement with these contents, every other field as this key fixes it."""
        return Statement(
            model=self.model,
            circuit=self.circuit,
            verifying_key=self.digest,
            weights=self.weights,
            inputs=tuple(inputs),
            outputs=tuple(outputs),
            guarantees=self.guarantees,
            context=context,
        )

    @classmethod
    def _from(cls, header: dict[str, Any], sections: list[memoryview]) -> VerifyingKey:
        readers: Readers = {
            "model": hex_digest,
            "circuit": hex_digest,
            "weights": weights_from_json,
            "inputs": specs_from_json,
            "outputs": specs_from_json,
            "guarantees": Guarantees.from_json,
            "proof_bytes": _length,
        }
        found = read_fields(header, readers, "A verifying key")
        return cls(material=tuple(map(bytes, sections)), **found)

    def _header(self) -> dict[str, Any]:
        names = ("model", "circuit", "weights", "inputs", "outputs", "proof_bytes")
        return {**fields_of(self, names), "guarantees": self.guarantees.to_json()}

    def _sections(self) -> tuple[Section, ...]:
        return self.material

    def __repr__(self) -> str:
        size = sum(len(section) for section in self.material)
        return (
            f"VerifyingKey({self.digest[:12]}, model {self.model[:12]}, "
            f"{self.guarantees.backend}, {self.guarantees.string} string, {size:,} bytes)"
        )


def _length(value: Any, what: str) -> int:
    if type(value) is not int or not 0 < value <= MAX_VERIFYING_KEY_BYTES:
        raise MalformedError(f"{what} is a positive integer.")
    return value
