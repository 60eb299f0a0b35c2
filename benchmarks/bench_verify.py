"""Offline verification and decoding, on the smallest real proof. Run: make bench.

Every figure is for the processor that pytest-benchmark prints with it.
"""

from __future__ import annotations

from typing import Any

import pytest

import verifai
from tests.conftest import Pipeline, build
from verifai.proof import Proof


@pytest.fixture(scope="module")
def proved() -> Pipeline:
    return build(0)


def test_decode_a_bundle(benchmark: Any, proved: Pipeline) -> None:
    """Bytes to bundle: canonical JSON, strict fields."""
    data = proved.proof.to_bytes()
    assert benchmark(Proof.from_bytes, data) == proved.proof


def test_verify_with_ezkl(benchmark: Any, proved: Pipeline) -> None:
    """All checks, including the process in which ezkl runs."""
    assert benchmark(verifai.verify, proved.proof, proved.vk) == proved.proof.statement


def test_prove_with_ezkl(benchmark: Any, proved: Pipeline) -> None:
    """Witness, proof and self-check of a 4-4-2 network."""
    proof = benchmark.pedantic(verifai.prove, (proved.pk, proved.inputs), rounds=3)
    assert proof.statement == proved.proof.statement
