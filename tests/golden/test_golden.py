"""Keys and proofs are byte for byte those that are committed, and the committed ones are accepted.

This notices a change of what is proved or how, wanted or not. A change that is wanted writes them
anew, and says so: ``python -m tests.golden.test_golden``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import verifai
from tests.golden.circuits import CIRCUITS

pytest.importorskip("verifai._native")

FILES = Path(__file__).parent / "bundles"


@pytest.mark.parametrize("name", CIRCUITS)
def test_committed_bundles_are_accepted(name: str) -> None:
    vk = verifai.VerifyingKey.load(FILES / f"{name}.vfk")
    proof = verifai.Proof.load(FILES / f"{name}.vfb")
    statement = verifai.verify(proof, vk, context=CIRCUITS[name].context)
    assert statement == proof.statement


@pytest.mark.parametrize("name", CIRCUITS)
def test_the_same_circuit_gives_the_same_bytes(name: str) -> None:
    pk, vk = CIRCUITS[name].keys()
    assert vk.to_bytes() == (FILES / f"{name}.vfk").read_bytes()
    # a key's first proof is made without window tables, the second makes them, the third finds them
    for _ in range(3):
        assert CIRCUITS[name].proof(pk).to_bytes() == (FILES / f"{name}.vfb").read_bytes()


if __name__ == "__main__":
    FILES.mkdir(exist_ok=True)
    for name, golden in CIRCUITS.items():
        pk, vk = golden.keys()
        vk.save(FILES / f"{name}.vfk")
        golden.proof(pk).save(FILES / f"{name}.vfb")
