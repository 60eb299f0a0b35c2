"""The option padded: no outer axes anywhere, and circuits that say so."""

from __future__ import annotations

import json

import numpy as np
import pytest

import verifai
from tests.circuit import models
from verifai.circuit import Visibility
from verifai.circuit.lower import lower
from verifai.errors import UsageError


@pytest.mark.parametrize("name", ["mlp", "digits", "sigmoid"])
def test_no_box_has_outer_axes(name):
    graph = models.MODELS[name]()
    table = json.loads(lower(graph, Visibility(), padded=True).table)
    placed = [*table["nodes"], *table["product"], *table["lookup"]]
    assert {tuple(x["outer"]) for x in placed if "outer" in x} == {()}


def test_a_circuit_remembers_it():
    torch = pytest.importorskip("torch")
    pytest.importorskip("verifai._native")
    torch.manual_seed(0)
    model = verifai.export(torch.nn.Linear(5, 3), (torch.rand(1, 5),))
    samples = np.random.default_rng(0).random((4, 1, 5), dtype=np.float32)
    plain = verifai.compile(model, samples, options=verifai.NativeOptions(log_columns=7))
    padded = verifai.compile(
        model, samples, options=verifai.NativeOptions(log_columns=7, padded=True)
    )
    assert padded.digest != plain.digest
    pk, vk = verifai.setup(padded)
    proof = verifai.prove(pk, samples[0])
    assert verifai.verify(proof, vk) == proof.statement
    with pytest.raises(UsageError, match="padded"):
        verifai.NativeOptions(padded=1)
