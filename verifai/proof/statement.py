"""What a proof proves, in fields and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from verifai.errors import MalformedError, UsageError, shown
from verifai.limits import MAX_NAME_LENGTH
from verifai.printable import html_table
from verifai.proof.codec import (
    Readers,
    canonical_json,
    digest,
    exact_fields,
    hex_digest,
    one_of,
    read_fields,
)
from verifai.proof.plain import fields_of, to_plain
from verifai.proof.reference_string import CEREMONIES, ceremony_of
from verifai.proof.tensor import TensorClaim, TensorSpec, claims_from_json

#: ``ceremony``: a pinned public ceremony. ``development``: somebody may know the trapdoor.
SRS_KINDS: Final = ("ceremony", "custom", "development")
WEIGHT_VISIBILITIES: Final = ("private", "public")
MAX_CONTEXT_ENTRIES: Final = 16
MAX_CONTEXT_NAME: Final = 64


@dataclass(frozen=True)
class Guarantees:
    """What the proof system promises, and under which assumption.

    Attributes:
        backend: ``native`` or ``ezkl``.
        version: version of the backend that made the key.
        zero_knowledge: whether private tensors stay hidden.
        srs: one of :data:`SRS_KINDS`.
        srs_id: digest of tau H2, which names the reference string.
    """

    backend: str
    version: str
    zero_knowledge: bool
    srs: str
    srs_id: str

    @property
    def ceremony(self) -> str | None:
        """The public ceremony that made the string, by name; known by ``srs_id``, never by what a
        file says.
        """
        return ceremony_of(self.srs_id)

    @property
    def string(self) -> str:
        """The reference string in a word or two: ``ceremony ppot``, ``custom``, ``development``."""
        return f"{self.srs} {self.ceremony}" if self.ceremony else self.srs

    @property
    def forgers(self) -> str:
        """Who knows the secret of a development string: native's is published."""
        return "anyone" if self.backend == "native" else "whoever made it"

    def to_json(self) -> dict[str, Any]:
        return {**to_plain(self), "ceremony": self.ceremony}

    @classmethod
    def from_json(cls, value: Any, what: str = "Guarantees") -> Guarantees:
        names = ("backend", "version", "zero_knowledge", "srs", "srs_id", "ceremony")
        fields = exact_fields(value, names, what)
        if type(fields["zero_knowledge"]) is not bool:
            raise MalformedError("zero_knowledge is true or false.")
        version = fields["version"]
        if not isinstance(version, str) or not 0 < len(version) <= 64:
            raise MalformedError("A backend version is a string of 1 to 64 characters.")
        read = cls(
            backend_from_json(fields["backend"], "backend"),
            version,
            fields["zero_knowledge"],
            one_of(fields["srs"], SRS_KINDS, "srs"),
            hex_digest(fields["srs_id"], "srs_id"),
        )
        if fields["ceremony"] != read.ceremony:
            raise MalformedError("The ceremony is not the one that srs_id names.")
        return read


def backend_from_json(value: Any, what: str) -> str:
    """The name of a proof system."""
    return one_of(value, ("native", "ezkl"), what)


def weights_from_json(value: Any, what: str) -> str:
    """Who sees the weights."""
    return one_of(value, WEIGHT_VISIBILITIES, what)


class Inputs(Protocol):
    """A verifying key, as far as a statement asks it."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]: ...


@dataclass(frozen=True, repr=False)
class Statement:
    """ "The model of this name maps this input to this output."

    Attributes:
        model: names the ONNX model, as the key does: its digest, or a salted commitment to it
            where the key hides the weights.
        circuit: digest of the circuit it was compiled into, under that name.
        verifying_key: digest of the key that checks the proof.
        weights: ``private`` (not in the statement or the key in clear) or ``public``.
        inputs, outputs: one claim per tensor.
        guarantees: backend, zero knowledge, reference string.
        context: what the proof is bound to (chain id, job, payee, nonce ...), or None.
        weights_ranged: whether ``verify`` also checked a registration proof, which shows that the
            committed weights are integers within their bits. Not part of what is signed or sent.
    """

    model: str
    circuit: str
    verifying_key: str
    weights: str
    inputs: tuple[TensorClaim, ...]
    outputs: tuple[TensorClaim, ...]
    guarantees: Guarantees
    context: Mapping[str, str | int] | None = None
    weights_ranged: bool = field(default=False, compare=False)

    @property
    def input(self) -> TensorClaim:
        """The input of a model that has one."""
        return _only(self.inputs, "input")

    @property
    def output(self) -> TensorClaim:
        """The output of a model that has one."""
        return _only(self.outputs, "output")

    def batch(self, key: Inputs) -> int | None:
        """How many inferences one proof is about: the leading axis that the tensors have here and
        not in the key. None for one inference without such an axis.
        """
        claimed, own = self.inputs[0].shape, key.inputs[0].shape
        return claimed[0] if len(claimed) == len(own) + 1 else None

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, domain-separated."""
        return digest("statement/1", canonical_json(self.to_json()))

    def sentences(self) -> list[str]:
        """The statement in plain words, one sentence each, caveats included."""
        # The name is the key's maker's word: no proof shows that it is the model's.
        lines = [
            f"The model that the key calls {self.model[:16]} was evaluated "
            f"(circuit {self.circuit[:16]})."
        ]
        for role, claims in (("input", self.inputs), ("output", self.outputs)):
            for claim in claims:
                shape = "x".join(map(str, claim.shape)) or "scalar"
                how = {
                    "public": "is public and part of this statement",
                    "committed": f"is bound by the commitment {(claim.commitment or '')[:16]}",
                    "private": "is private: the proof shows only that such a tensor exists",
                }[claim.spec.visibility]
                lines.append(f"The {role} {claim.name!r} ({shape}) {how}.")
        lines.append(
            "The weights are fixed by the verifying key"
            + (" and are public." if self.weights == "public" else " and are not published.")
        )
        g = self.guarantees
        if self.weights_ranged:
            lines.append("That they are integers within their bits was checked (registration).")
        elif g.backend == "native":
            lines.append("That they are integers within their bits was not checked.")
        lines.append(
            f"Proved with {g.backend} {g.version}; "
            + ("private values stay hidden." if g.zero_knowledge else "NOT zero-knowledge.")
        )
        if g.srs == "development":
            lines.append(
                f"DEVELOPMENT reference string: {g.forgers} could forge this proof. "
                "Good for tests only."
            )
        elif g.ceremony is None:
            lines.append("Reference string of unverified origin: trust it only if you know it.")
        else:
            title = CEREMONIES[g.ceremony].title
            lines.append(f"Reference string of the ceremony {g.ceremony} ({title}).")
        if self.context is not None:
            pairs = ", ".join(f"{key}={value}" for key, value in sorted(self.context.items()))
            lines.append(f"Bound to the context {pairs}.")
        return lines

    def to_json(self) -> dict[str, Any]:
        """The statement as its JSON object, which :meth:`from_json` reads."""
        return {
            **fields_of(self, ("model", "circuit", "verifying_key", "weights", "context")),
            "inputs": [claim.to_json() for claim in self.inputs],
            "outputs": [claim.to_json() for claim in self.outputs],
            "guarantees": self.guarantees.to_json(),
        }

    @classmethod
    def from_json(cls, value: Any, what: str = "A statement") -> Statement:
        """Strict reader.

        Raises:
            MalformedError: an unknown, missing or ill-typed field.
        """
        readers: Readers = {
            "model": hex_digest,
            "circuit": hex_digest,
            "verifying_key": hex_digest,
            "weights": weights_from_json,
            "inputs": claims_from_json,
            "outputs": claims_from_json,
            "guarantees": Guarantees.from_json,
            "context": check_context,
        }
        return cls(**read_fields(value, readers, what))

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{claim.name}{list(claim.shape)} {claim.spec.visibility}"
            for claim in self.inputs + self.outputs
        )
        g = self.guarantees
        return (
            f"Statement(model {self.model[:12]}, {shown}, {g.backend} {g.version}, "
            f"zero_knowledge={g.zero_knowledge}, srs={g.string})"
        )

    def _repr_html_(self) -> str:
        """What notebooks show: a claim, until :func:`verifai.verify` has returned it."""
        g = self.guarantees
        rows: list[tuple[str, Any]] = [("model (as its key calls it)", self.model[:16])]
        for role, claims in (("input", self.inputs), ("output", self.outputs)):
            for claim in claims:
                shape = "x".join(map(str, claim.shape)) or "scalar"
                said = f"{shape}, {claim.spec.visibility}"
                if claim.integers is not None:
                    few = ", ".join(f"{v / 2**claim.spec.scale:.5g}" for v in claim.integers[:8])
                    said += f": {few}{', ...' if len(claim.integers) > 8 else ''}"
                elif claim.commitment is not None:
                    said += f": {claim.commitment[:16]}"
                rows.append((f"{role} {claim.name}", said))
        hides = "zero-knowledge" if g.zero_knowledge else "NOT zero-knowledge"
        warning = ": good for tests only" if g.srs == "development" else ""
        rows += [
            ("proof system", f"{g.backend} {g.version}, {hides}"),
            ("reference string", f"{g.string}{warning}"),
            ("weights' ranges", "checked" if self.weights_ranged else "not checked"),
        ]
        rows += [(f"context {name}", value) for name, value in sorted((self.context or {}).items())]
        return html_table("Statement", rows)


def check_context(value: Any, what: str = "A context") -> dict[str, str | int] | None:
    """A context is None or a small flat object of strings and integers.

    Raises:
        MalformedError: anything else.
    """
    if value is None:
        return None
    if not isinstance(value, Mapping) or not 0 < len(value) <= MAX_CONTEXT_ENTRIES:
        raise MalformedError(
            f"{what} is an object of 1 to {MAX_CONTEXT_ENTRIES} entries, found {shown(value)}.",
            hint='context={"job": 7}',
        )
    for key, item in value.items():
        text = isinstance(item, str) and len(item) <= MAX_NAME_LENGTH
        number = type(item) is int and 0 <= item < 1 << 256
        if not isinstance(key, str) or not 0 < len(key) <= MAX_CONTEXT_NAME or not (text or number):
            raise MalformedError(
                f"Context entry {shown(key)}: names have 1 to {MAX_CONTEXT_NAME} characters; "
                f"values are strings of up to {MAX_NAME_LENGTH} characters or integers below 2^256."
            )
    canonical_json(value)  # refuses text that has no encoding
    return dict(value)


def _only(claims: tuple[TensorClaim, ...], what: str) -> TensorClaim:
    if len(claims) != 1:
        raise UsageError(f"The model has {len(claims)} {what}s; use statement.{what}s.")
    return claims[0]
