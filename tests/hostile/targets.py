"""Honest proofs that are attacked, each with the proofs that an attacker may take parts from."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import verifai
from tests.soundness.proofs import Array, Claim, native, raw, raw_weights
from verifai.backends.native.keys import LoadedKey, load
from verifai.circuit import Visibility
from verifai.circuit.lower import LoweredCircuit, lower
from verifai.circuit.witness import witness
from verifai.graph import IntegerGraph, quantise_inputs, run
from verifai.graph.integer import Weight
from verifai.verifier.native.check import context_bytes

CONTEXT = {"chain_id": 1, "job": "7f3a", "nonce": 41}
OTHER_CONTEXTS = {
    "another chain": {**CONTEXT, "chain_id": 10},
    "another job": {**CONTEXT, "job": "7f3b"},
    "another nonce": {**CONTEXT, "nonce": 42},
    "without nonce": {"chain_id": 1, "job": "7f3a"},
    "none": None,
}


PUBLIC, COMMITTED = Visibility(), Visibility("committed", "committed")
#: Circuit, hiding, batch of the proofs whose inputs and outputs are behind commitments.
LINKED = (("operators", True, 3), ("digits", True, 2))


@dataclass(frozen=True, eq=False)
class Target:
    """One honest claim and its donors, all accepted.

    Attributes:
        name: circuit, and how it is proved.
        circuit: one of :data:`CIRCUITS`.
        honest: the claim that is attacked.
        donors: "same statement" (only if proofs are random), "other input", "other model" (one
            weight differs, the table does not), "other context", "other batch".
    """

    name: str
    circuit: str
    honest: Claim
    donors: dict[str, Claim]


def digits() -> tuple[Any, Array, Array]:
    """The demo's CNN for 8x8 digits, trained as in the demo: module, calibration, inputs."""
    from verifai.cli import demo

    images, labels, held_out, _ = demo._digits()
    return demo._train(images, labels), images[:64], held_out[:, None]


def lenet() -> tuple[Any, Array, Array]:
    """LeNet-5, trained as for the benchmarks."""
    from benchmarks.models import MODELS

    workload = MODELS["lenet"]()
    return workload.module, workload.calibration, workload.held_out


def operators() -> tuple[Any, Array, Array]:
    """A network of the operators that the other two do not have."""
    import torch
    from torch import nn

    class Operators(nn.Module):
        """Padded and grouped convolutions, both poolings, tables, a residual, concat, matmuls."""

        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(2, 4, 3, padding=1)
            self.grouped = nn.Conv2d(4, 4, 3, padding=1, groups=2)
            self.mixed = nn.Conv2d(8, 3, 1)
            self.last = nn.Linear(12, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = nn.functional.gelu(self.first(x))
            x = x + torch.sigmoid(self.grouped(x))  # residual
            x = torch.cat([nn.functional.max_pool2d(x, 2), nn.functional.avg_pool2d(x, 2)], 1)
            x = torch.tanh(self.mixed(x)).flatten(2)
            square = torch.matmul(x, x.transpose(1, 2))  # of two activations
            x = torch.matmul(torch.relu(square - 1), x)
            return self.last(x.flatten(1)) * 2 - 1

    torch.manual_seed(0)
    module = Operators().eval()
    data = torch.rand(16, 1, 2, 4, 4).numpy()
    return module, data[:8], data[8:]


CIRCUITS = {"digits": digits, "lenet": lenet, "operators": operators}


@functools.cache
def key(circuit: str) -> tuple[verifai.ProvingKey, verifai.VerifyingKey, Array]:
    """The key pair, as a user makes it, and inputs."""
    import torch

    torch.set_num_threads(1)
    module, calibration, inputs = CIRCUITS[circuit]()
    example = torch.from_numpy(np.ascontiguousarray(inputs[0]))
    model = verifai.export(module, (example,))
    pk, vk = verifai.setup(verifai.compile(model, calibration))
    return pk, vk, inputs


@dataclass(frozen=True, eq=False)
class Proving:
    """A prover of one circuit, hiding or not."""

    header: bytes
    loaded: LoadedKey
    graph: IntegerGraph
    lowered: LoweredCircuit
    core: Any

    def prove(self, inputs: Array, context: Any = CONTEXT) -> Claim:
        """A claim about a batch of inputs."""
        values = run(self.graph, quantise_inputs(self.graph, [inputs]), batch=True)
        committed = witness(self.lowered, values, len(inputs))
        bound = context_bytes(context)
        words, proof = self.core.prove(len(inputs), raw(committed), bound)
        tau_g2 = self.loaded.strings.tau_g2
        return Claim(
            self.header,
            self.lowered.table,
            self.core.commitments,
            tau_g2,
            len(inputs),
            bound,
            bytes(words),
            bytes(proof),
        )


def proving(
    circuit: str, hiding: bool, other: bool = False, visibility: Visibility = PUBLIC
) -> Proving:
    """The circuit's prover; of a model with one other weight if ``other``."""
    pk, vk, _ = key(circuit)
    loaded = load(pk)
    graph, lowered = loaded.graph, loaded.lowered
    if other:
        graph = another_weight(graph)
    columns = lowered.operations.log_columns
    again = lower(graph, visibility, log_columns=columns, hiding=hiding)
    assert not hiding or visibility != PUBLIC or again.table == lowered.table
    core = native().Prover(
        vk.header_digest, again.table, raw_weights(again.weights), loaded.strings
    )
    return Proving(vk.header_digest, loaded, graph, again, core)


def another_weight(graph: IntegerGraph) -> IntegerGraph:
    """The largest weight of the last weight tensor is one nearer to zero."""
    at = max(i for i, node in enumerate(graph.nodes) if isinstance(node.operation, Weight))
    node = graph.nodes[at]
    assert isinstance(node.operation, Weight)
    values = node.operation.values.copy()
    place = np.unravel_index(int(np.abs(values).argmax()), values.shape)
    values[place] -= np.sign(values[place])
    changed = replace(node, operation=Weight(values))
    return replace(graph, nodes=(*graph.nodes[:at], changed, *graph.nodes[at + 1 :]))


def target(circuit: str, hiding: bool = True, batch: int = 1) -> Target:
    """A circuit's proof and its donors, made once."""
    return _target(circuit, hiding, batch)


@functools.cache
def _target(circuit: str, hiding: bool, batch: int) -> Target:
    inputs = key(circuit)[2]
    linked = (circuit, hiding, batch) in LINKED
    visibility = COMMITTED if linked else PUBLIC
    honest = proving(circuit, hiding, visibility=visibility)
    other = proving(circuit, hiding, other=True, visibility=visibility)
    first = inputs[:batch]
    second = inputs[batch : 2 * batch]
    donors = {
        "other input": honest.prove(second),
        "other model": other.prove(first),
        "other context": honest.prove(first, OTHER_CONTEXTS["another nonce"]),
        "other batch": honest.prove(inputs[: 2 * batch]),
    }
    if hiding:
        donors["same statement"] = honest.prove(first)
    name = f"{circuit}{'' if hiding else ', not hiding'}{f', batch of {batch}' * (batch > 1)}"
    name += ", committed" if linked else ""
    return Target(name, circuit, honest.prove(first), donors)


#: Circuit, hiding, batch: what is attacked. The first of each circuit is the default.
TARGETS = tuple(
    (circuit, hiding, batch)
    for circuit in CIRCUITS
    for hiding, batch in ((True, 1), (False, 1), (True, 3))
)
