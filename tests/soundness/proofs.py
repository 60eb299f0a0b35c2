"""Honest proofs of small circuits, and one judgement by two verifiers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tests.circuit import models
from tests.circuit.graphs import run
from tests.verifier.circuits import HEADER
from verifai.circuit import Visibility
from verifai.circuit.lower import lower
from verifai.circuit.lowered import LoweredCircuit
from verifai.circuit.witness import witness
from verifai.errors import VerifaiError
from verifai.proof.codec import sha256
from verifai.verifier.native import verify
from verifai.verifier.native.keccak import keccak256
from verifai.verifier.native.table import Table

Array = np.ndarray[Any, Any]

CONTEXT = keccak256(b"a job")
#: Of what the keys of these circuits would say of themselves.
HEADER_DIGEST = sha256(HEADER)
#: log2 of the columns of all small circuits: short rows make many of them, and proofs stay fast.
LOG_COLUMNS = 7
BATCH = 2


def native() -> Any:
    """The Rust module; ``conftest.py`` skips everything here without it."""
    import verifai._native

    return verifai._native


@functools.cache
def development(log_columns: int) -> Any:
    """The reference string whose tau is public."""
    return native().Srs.development(1 << log_columns)


@dataclass(frozen=True)
class Claim:
    """All that a verifier is given."""

    header: bytes
    table: bytes
    commitments: bytes
    tau_g2: bytes
    batch: int
    context: bytes
    words: bytes
    proof: bytes

    @property
    def key(self) -> tuple[bytes, bytes, bytes, bytes]:
        """What a verifier trusts: the digest of a header, and the material."""
        return self.header, self.table, self.commitments, self.tau_g2

    def but(self, **changes: Any) -> Claim:
        return replace(self, **changes)


def rust(claim: Claim) -> str | None:
    """None if the Rust verifier accepts, else its reason."""
    try:
        native().native_verify(
            *claim.key,
            claim.batch,
            claim.context,
            claim.words,
            claim.proof,
        )
    except (ValueError, OverflowError) as error:
        return str(error)
    return None


def python(claim: Claim, verifier: Callable[..., None] = verify) -> str | None:
    """None if the Python verifier accepts, else the step that refused or the kind of error."""
    if len(claim.words) % 32:
        return "public words have 32 bytes each"
    words = [int.from_bytes(claim.words[i : i + 32], "big") for i in range(0, len(claim.words), 32)]
    try:
        verifier(
            *claim.key,
            claim.batch,
            claim.context,
            words,
            claim.proof,
        )
    except VerifaiError as error:
        return str(error.details.get("step", type(error).__name__))
    return None


def judge(claim: Claim) -> str | None:
    """Both verifiers' verdict, which has to be one."""
    mine, other = python(claim), rust(claim)
    assert (mine is None) == (other is None), f"Python: {mine}, Rust: {other}"
    return mine


def raw(arrays: Sequence[Array]) -> list[bytes]:
    """Tensors as the Rust prover takes them. Values have to fit in 64 bits."""
    return [np.ascontiguousarray(a.astype("<i8")).tobytes() for a in arrays]


def raw_weights(arrays: Sequence[Array]) -> list[bytes]:
    """Weights as the Rust prover takes them. They have to fit in 32 bits."""
    return [np.ascontiguousarray(a.astype("<i4")).tobytes() for a in arrays]


class Prover:
    """Proves witnesses, true or not, of one table and its weights."""

    def __init__(
        self,
        table: bytes,
        weights: Sequence[Array],
        log_columns: int,
        blindings: bytes | None = None,
    ) -> None:
        self.srs = development(log_columns)
        self.table = table
        self.core = native().Prover(HEADER_DIGEST, table, raw_weights(weights), self.srs, blindings)

    def prove(
        self,
        witness: Sequence[Array],
        batch: int,
        *,
        lies: Sequence[tuple[int, int]] = (),
        stubborn: bool = False,
        context: bytes = CONTEXT,
        unmasked: Sequence[str] = (),
        repeated: Sequence[str] = (),
    ) -> Claim:
        if lies or stubborn or unmasked or repeated:
            words, proof = self.core.prove_spoiled(
                batch,
                raw(witness),
                context,
                lies=list(lies),
                stubborn=stubborn,
                unmasked=list(unmasked),
                repeated=list(repeated),
            )
        else:
            words, proof = self.core.prove(batch, raw(witness), context)
        return Claim(
            HEADER_DIGEST,
            self.table,
            self.core.commitments,
            self.srs.tau_g2,
            batch,
            context,
            words,
            proof,
        )


@dataclass(frozen=True, eq=False)
class Case:
    """A circuit, its honest witness and its honest proof."""

    name: str
    lowered: LoweredCircuit
    batch: int
    witness: list[Array]
    prover: Prover
    claim: Claim

    @property
    def table(self) -> Table:
        return self.lowered.operations

    @property
    def weights(self) -> tuple[Array, ...]:
        return self.lowered.weights


def case_of(name: str, lowered: LoweredCircuit, values: Sequence[Array], batch: int) -> Case:
    """From a run of the integer graph to a proof."""
    committed = witness(lowered, values, batch)
    prover = Prover(lowered.table, lowered.weights, lowered.operations.log_columns)
    return Case(name, lowered, batch, committed, prover, prover.prove(committed, batch))


@functools.cache
def case(name: str, batch: int = BATCH, hiding: bool = False, data: str = "public") -> Case:
    """One of the graphs of ``tests/circuit/models.py``; ``data``: visibility of its ends."""
    graph = models.MODELS[name]()
    visibility = Visibility(data, data)
    lowered = lower(graph, visibility, log_columns=LOG_COLUMNS, hiding=hiding)
    values = run(graph, models.random_inputs(graph, batch, seed=1))
    return case_of(name, lowered, values, batch)


NAMES = tuple(models.MODELS)
#: Circuits whose proofs the fast tests give to both verifiers; the Python one takes its time.
JUDGED = ("mlp", "sigmoid", "attention")
