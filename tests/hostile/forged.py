"""What a stranger really does with public weights: a false proof that the shipped verifier takes.

A circuit's table names a key's digest, and holds its commitments, but the operations in it are the
stranger's: here none at all. So the verifier checks a proof of nothing, under the key's name.
"""

from __future__ import annotations

import random
from contextlib import ExitStack
from dataclasses import dataclass
from unittest import mock

from tests.verifier import reference_hiding, reference_opening, reference_prover
from tests.verifier.circuits import Circuit, gate, sample
from tests.verifier.reference_algebra import P
from tests.verifier.reference_prover import Prover
from verifai.compact.table import compact_table
from verifai.proof import Guarantees, TensorSpec, VerifyingKey
from verifai.proof.codec import sha256
from verifai.proof.reference_string import srs_id
from verifai.verifier.native.check import srs_kind
from verifai.verifier.native.keccak import keccak256
from verifai.verifier.native.verify import VERSION
from verifai.verifier.native.verify import proof_bytes as table_proof_bytes


@dataclass(frozen=True)
class Forgery:
    """A record of nothing.

    Attributes:
        key: of a ReLU, whose name is used.
        table: the stranger's compact table.
        words, argument: of a false statement of the key's, and the proof.
    """

    key: VerifyingKey
    table: bytes
    words: bytes
    argument: bytes


class _Impostor(Prover):
    """Starts its transcript with another key's digest."""

    def __init__(self, circuit: Circuit, digest: bytes) -> None:
        super().__init__(circuit)
        step = self.w.step

        def named(*said: object) -> object:
            return step(*said[:3], digest) if said[2] == "key" else step(*said)

        self.w.step = named  # type: ignore[method-assign, assignment]


def key_of(circuit: Circuit, tau_g2: bytes) -> VerifyingKey:
    """A verifying key of a circuit without weights, with its one input and output."""
    table = circuit.table_bytes()
    said = circuit.table()
    inputs, outputs = (
        tuple(TensorSpec(role, tuple(t["shape"]), 0, t["visibility"]) for t in said[role])
        for role in ("inputs", "outputs")
    )
    hides, srs = circuit.hiding, (srs_kind(tau_g2), srs_id(tau_g2))
    guarantees = Guarantees("native", VERSION, hides, *srs)
    size = table_proof_bytes(table, 1)
    made = (inputs, outputs, guarantees, size, (table, b"", tau_g2))
    return VerifyingKey("5c" * 32, "c1" * 32, "public", *made)


def forged() -> Forgery:
    """Any output at all for an input of the ReLU, under the development reference string."""
    tau = int.from_bytes(keccak256(b"verifai INSECURE development SRS v1"), "big") % P
    with ExitStack() as patches:
        for module in (reference_hiding, reference_opening, reference_prover):
            patches.enter_context(mock.patch.object(module, "TAU", tau))
        return _forged(reference_prover.tau_g2())


def _forged(tau_g2: bytes) -> Forgery:
    honest, nothing = gate(1), Circuit(1, 5)
    key = key_of(honest, tau_g2)
    x = nothing.committed("input", sample(random.Random(1), (1, 3, 5), -128, 127), [8], -128)
    y = nothing.committed("output", sample(random.Random(9), (1, 3, 5), 0, 127), [7])
    nothing.inputs, nothing.outputs = [x], [y]
    table = nothing.table_bytes()
    prover = _Impostor(nothing, bytes.fromhex(key.digest))
    argument = prover.prove()
    own = compact_table(key.header_digest, table, b"", tau_g2, 1)
    compact = bytes.fromhex(key.digest) + own[32:64] + sha256(key.material[0]) + own[96:]
    words = b"".join(word.to_bytes(16, "big") for word in prover.words)
    return Forgery(key, compact, words, argument)
