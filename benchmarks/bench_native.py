"""The native backend's steps and the kernels below them. Run: make bench.

Field multiplication, multi-scalar multiplication and a sumcheck round in Rust are
measured by the ``bench_*`` examples of the crates, which ``make bench`` runs too: crossing into
Python would cost more than they do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import verifai
from benchmarks.profile import committed
from verifai.backends.native.keys import load
from verifai.circuit.core import core
from verifai.verifier.native import curve, keccak
from verifai.verifier.native.field import P

torch = pytest.importorskip("torch")


class Proved:
    """A small network with keys and a proof."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        layers = torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10)
        inputs = torch.rand(8, 1, 64)
        model = verifai.export(torch.nn.Sequential(*layers), (inputs[0],))
        circuit = verifai.compile(model, inputs.numpy(), progress=False)
        self.circuit = circuit
        self.inputs = inputs[0].numpy()
        self.pk, self.vk = verifai.setup(circuit, progress=False)
        self.proof = verifai.prove(self.pk, self.inputs, progress=False)


@pytest.fixture(scope="module")
def proved() -> Proved:
    return Proved()


def test_set_up(benchmark: Any, proved: Proved) -> None:
    """Development reference string, window tables, weight commitments."""
    _, key = benchmark(verifai.setup, proved.circuit, progress=False)
    assert key == proved.vk


def test_witness(benchmark: Any, proved: Proved) -> None:
    """The integer graph and the committed tensors, in Python."""
    batch, tensors = benchmark(committed, proved.pk, proved.inputs, False)
    assert batch == 1
    assert tensors


@pytest.mark.parametrize("batch", [1, 16])
def test_prove(benchmark: Any, proved: Proved, batch: int) -> None:
    """The Rust prover alone."""
    inputs = proved.inputs if batch == 1 else np.repeat(proved.inputs[None], batch, 0)
    _, tensors = committed(proved.pk, inputs, batch > 1)
    prover = load(proved.pk).prover
    _, proof = benchmark(prover.prove, batch, tensors, bytes(32))
    assert len(proof) >= proved.vk.proof_bytes


def test_verify_in_python(benchmark: Any, proved: Proved) -> None:
    """All checks by the independent verifier."""
    assert benchmark(verifai.verify, proved.proof, proved.vk) == proved.proof.statement


def test_keccak_in_rust(benchmark: Any) -> None:
    """One block of the transcript."""
    assert benchmark(core().keccak256, bytes(64)) == keccak.keccak256(bytes(64))


def test_keccak_in_python(benchmark: Any) -> None:
    """The same block by the independent verifier."""
    assert benchmark(keccak.keccak256, bytes(64)) == core().keccak256(bytes(64))


def test_points_times_scalars_in_python(benchmark: Any) -> None:
    """The independent verifier's multi-scalar multiplication, 64 points."""
    points = [curve.msm([curve.G], [3**place]) for place in range(64)]
    scalars = [pow(7, 90 + place, P) for place in range(64)]
    sum_of_products = sum(3**i * s for i, s in enumerate(scalars)) % P
    assert benchmark(curve.msm, points, scalars) == curve.msm([curve.G], [sum_of_products])


def test_pairing_in_rust(benchmark: Any) -> None:
    """The empty product is one; e(G, H2) e(-G, H2) takes two Miller loops."""
    two = (
        "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
        "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
        "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
        "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
    )
    sides = [(1, 2), (1, curve.Q - 2)]
    data = b"".join(
        x.to_bytes(32, "big") + y.to_bytes(32, "big") + bytes.fromhex(two) for x, y in sides
    )
    assert benchmark(core().bn254_pairing, data)[-1] == 1
