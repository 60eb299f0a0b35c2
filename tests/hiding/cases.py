"""Small hiding circuits whose inputs and outputs are private."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from tests.circuit import models
from tests.circuit.graphs import run
from tests.soundness.proofs import LOG_COLUMNS, Array, Case, case_of
from verifai.circuit import Visibility
from verifai.circuit.lower import lower
from verifai.circuit.witness import witness


@functools.cache
def private(name: str = "mlp", model: int = 0) -> Case:
    """A circuit of ``tests/circuit/models.py``; ``model`` seeds its weights."""
    graph = models.MODELS[name](model)
    visibility = Visibility(input="private", output="private")
    lowered = lower(graph, visibility, log_columns=LOG_COLUMNS, hiding=True)
    return case_of(name, lowered, run(graph, models.random_inputs(graph, 1, seed=1)), 1)


def other_witness(case: Case, model: int = 0, seed: int = 2) -> Sequence[Array]:
    """The witness of another input."""
    graph = models.MODELS[case.name](model)
    return witness(case.lowered, run(graph, models.random_inputs(graph, 1, seed=seed)), 1)
