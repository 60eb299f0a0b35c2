"""Tiny torch models, all the way to native bundles."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import pytest

import verifai
from tests.soundness.proofs import Case, Claim, case_of
from verifai.backends.native.keys import load
from verifai.graph import quantise_inputs, run
from verifai.verifier.native.check import context_bytes, words_of


@dataclass(frozen=True, eq=False)
class Pipeline:
    """A model, its keys and one bundle."""

    model: verifai.Model
    pk: verifai.ProvingKey
    vk: verifai.VerifyingKey
    proof: verifai.Proof
    inputs: Any

    @property
    def claim(self) -> Claim:
        """What the verifiers of the proof system are given for the bundle."""
        key = (self.vk.header_digest, *map(bytes, self.vk.material))
        statement = self.proof.statement
        words = b"".join(w.to_bytes(32, "big") for w in words_of(self.vk, statement))
        batch = statement.batch(self.vk) or 1
        context = context_bytes(statement.context)
        return Claim(*key, batch, context, words, self.proof.argument)


def modules(name: str) -> Any:
    """The torch module of a name, with its example input."""
    torch = pytest.importorskip("torch")
    nn = torch.nn
    built = {
        "dense": lambda: (
            nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)),
            torch.rand(8, 1, 4),
        ),
        "convolution": lambda: (
            nn.Sequential(
                nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)
            ),
            torch.rand(8, 1, 1, 6, 6),
        ),
        "sigmoid": lambda: (nn.Sequential(nn.Linear(4, 3), nn.Sigmoid()), torch.rand(8, 1, 4)),
    }
    return built[name]


@functools.cache
def pipeline(name: str = "dense", seed: int = 0, context: str = "", batch: int = 0) -> Pipeline:
    """A bundle of a torch model; ``context`` binds it to a job, ``batch`` > 0 proves so many."""
    make = modules(name)
    import torch

    torch.manual_seed(seed)
    module, samples = make()
    model = verifai.export(module, (samples[0],))
    circuit = verifai.compile(
        model, samples.numpy(), options=verifai.NativeOptions(zero_knowledge=False, log_columns=7)
    )
    pk, vk = verifai.setup(circuit)
    inputs = samples[0].numpy() if not batch else samples[:batch].numpy()
    bound = {"job": context} if context else None
    proof = verifai.prove(pk, inputs, batch=bool(batch), context=bound)
    return Pipeline(model, pk, vk, proof, inputs)


def model_case(name: str) -> Case:
    """A torch model's circuit and witness, as those of the graphs written by hand."""
    made = pipeline(name)
    loaded = load(made.pk)
    graph, lowered = loaded.graph, loaded.lowered
    inputs = quantise_inputs(graph, [made.inputs[None]])
    values = run(graph, inputs, batch=True)
    return case_of(f"torch {name}", lowered, values, 1)


MODELS = ("dense", "convolution", "sigmoid")
