"""Simple distinguishers learn nothing: not whose weights, and not which input.

Half of the proofs train a distinguisher, the other half is told apart by it. What it gets right is
within the binomial bound of one half; without masks it gets (nearly) all of them right.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from tests.campaign import size
from tests.hiding.cases import other_witness, private
from tests.hiding.fields import Reading, read
from tests.hiding.statistics import (
    binomial_bound,
    two_sample_distance,
    two_sample_threshold,
    views,
)
from tests.hiding.test_masks import MASKS
from tests.soundness.proofs import Claim
from verifai.verifier.native.keccak import keccak256

pytestmark = pytest.mark.slow

Features = np.ndarray[Any, Any]
Predict = Callable[[Features], Features]
#: Of each kind.
PROOFS = size(240, 120)


@functools.cache
def proofs(kind: str, unmasked: tuple[str, ...] = ()) -> list[Claim]:
    """``weights`` are another model's, ``input`` is another input of the same model."""
    case = private(model=1 if kind == "weights" else 0)
    witness = other_witness(case) if kind == "input" else case.witness
    contexts = [keccak256((kind + str(i)).encode()) for i in range(PROOFS)]
    return [case.prover.prove(witness, 1, context=c, unmasked=unmasked) for c in contexts]


def bytes_of(claims: Sequence[Claim]) -> Features:
    """All bytes of each proof, between -1 and 1."""
    data = [np.frombuffer(claim.proof, dtype=np.uint8) for claim in claims]
    return np.array(data) / 127.5 - 1


def nearest_mean(x: Features, y: Features) -> Predict:
    means = [x[y == label].mean(axis=0) for label in (0, 1)]
    return lambda new: np.argmin([((new - m) ** 2).sum(axis=1) for m in means], axis=0)


def logistic_regression(x: Features, y: Features) -> Predict:
    """Gradient descent with a ridge; there are more bytes than proofs."""
    weights, bias = np.zeros(x.shape[1]), 0.0
    for _ in range(200):
        error = 1 / (1 + np.exp(-(x @ weights + bias))) - y
        weights -= 0.5 * (x.T @ error / len(x) / x.shape[1] ** 0.5 + 1e-3 * weights)
        bias -= 0.5 * error.mean()
    return lambda new: (new @ weights + bias > 0).astype(int)


def nearest_neighbour(x: Features, y: Features) -> Predict:
    """Finds what comes twice, if only in some of the bytes."""

    def predict(new: Features) -> Features:
        distances = (new**2).sum(axis=1)[:, None] + (x**2).sum(axis=1) - 2 * new @ x.T
        return y[np.argmin(distances, axis=1)]

    return predict


def right(train: Callable[[Features, Features], Predict], kinds: Sequence[list[Claim]]) -> float:
    """The share of unseen proofs that a distinguisher puts right."""
    half = PROOFS // 2
    labels = np.repeat([0, 1], half)
    seen = np.concatenate([bytes_of(claims[:half]) for claims in kinds])
    unseen = np.concatenate([bytes_of(claims[half:]) for claims in kinds])
    return float((train(seen, labels)(unseen) == labels).mean())


DISTINGUISHERS = (nearest_mean, logistic_regression, nearest_neighbour)


@pytest.mark.parametrize("kind", ["weights", "input"])
@pytest.mark.parametrize("train", DISTINGUISHERS)
def test_proofs_cannot_be_told_apart(train: Callable[..., Predict], kind: str) -> None:
    share = right(train, [proofs(""), proofs(kind)])
    assert abs(share - 0.5) < binomial_bound(PROOFS)
    control = right(train, [proofs("", MASKS), proofs(kind, MASKS)])
    assert control > 0.95


def fields(claims: Sequence[Claim]) -> dict[object, list[tuple[float, float]]]:
    found: dict[object, list[tuple[float, float]]] = {}
    for claim in claims:
        reading: Reading = read(claim, challenges=False)
        for name, value in reading.flat():
            found.setdefault(name, []).append(views(value))
    return found


@pytest.mark.parametrize("kind", ["weights", "input"])
def test_no_field_has_another_distribution(kind: str) -> None:
    first, second = fields(proofs("")), fields(proofs(kind))
    limit = two_sample_threshold(PROOFS, PROOFS, 2 * len(first))
    for name, values in first.items():
        pairs = zip(zip(*values, strict=True), zip(*second[name], strict=True), strict=True)
        assert all(two_sample_distance(a, b) < limit for a, b in pairs), name
