"""Proofs of witnesses that are no 64-bit integers, by the slow prover of ``tests/verifier``."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence

from tests.soundness.lying import Array
from tests.soundness.proofs import CONTEXT, HEADER_DIGEST, Claim
from tests.verifier.circuits import Circuit, integers
from tests.verifier.reference_prover import Prover, tau_g2
from verifai.circuit.satisfied import node_values
from verifai.verifier.native.field import P
from verifai.verifier.native.table import Table

tau = functools.cache(tau_g2)


def circuit_of(
    table: Table, weights: Sequence[Array], witness: Sequence[Array], batch: int
) -> Circuit:
    """A lowered table with its values, as the slow prover takes it."""
    fields = json.loads(table.to_bytes())
    circuit = Circuit(batch, table.log_columns)
    circuit.hiding = table.hiding
    circuit.nodes = fields["nodes"]
    circuit.constraints = {k: fields[k] for k in ("tables", "zero", "product", "lookup")}
    circuit.inputs = [tensor.node for tensor in table.inputs]
    circuit.outputs = [tensor.node for tensor in table.outputs]
    circuit.visibility = {
        tensor.node: tensor.visibility
        for tensor in table.inputs + table.outputs
        if tensor.visibility != "public"
    }
    circuit.batched = [node.batched for node in table.nodes]
    circuit.values = [
        integers(v.astype(object)) for v in node_values(table, weights, witness, batch)
    ]
    return circuit


def claim_of(prover: Prover) -> Claim:
    """What the slow prover's proof claims."""
    return Claim(
        HEADER_DIGEST,
        prover.c.table_bytes(),
        prover.commitments,
        tau(),
        prover.c.batch,
        prover.context,
        b"".join(word.to_bytes(32, "big") for word in prover.words),
        prover.w.proof,
    )


def prove(
    table: Table,
    weights: Sequence[Array],
    witness: Sequence[Array],
    batch: int,
    prover: type[Prover] = Prover,
) -> Claim:
    """A proof of a witness."""
    proving = prover(circuit_of(table, weights, witness, batch), CONTEXT)
    proving.prove()
    return claim_of(proving)


class Overflowing(Prover):
    """Keeps going with a value that its limbs do not hold: the last limb takes what is left."""

    def layout(self) -> None:
        held = list(self.c.values)
        excess = {}
        for i, node in enumerate(self.c.nodes):
            if limbs := node.get("limbs"):
                top = sum(limbs[:-1])
                raw = integers(self.c.values[i] - node["offset"])
                inside = integers(raw % (1 << sum(limbs)))
                # (raw - inside) / 2^top is what the last limb has to hold on top
                excess[i] = integers((raw - inside) * pow(2, -top, P) % P)
                self.c.values[i] = integers(inside + node["offset"])
        super().layout()
        self.c.values = held
        for i, more in excess.items():
            tile = self.blocks[i][-1]
            self.contents = [
                (b, integers((v + more) % P) if b is tile else v) for b, v in self.contents
            ]

    def public_words(self) -> list[int]:
        """Of what the lanes can hold: the values themselves may be no numbers of 16 bits."""
        held = list(self.c.values)
        for node in self.c.public:
            offset = self.c.nodes[node]["offset"]
            self.c.values[node] = integers((held[node] - offset) % (1 << 16) + offset)
        words = super().public_words()
        self.c.values = held
        return words
