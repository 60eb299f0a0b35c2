"""The worst table for each limit ends within the budget, accepted or refused, in both verifiers.

What counts is whether everything is counted: with a budget of a sixteenth, whatever a table asks
for has to end in a sixteenth of the time. The measure is an honest verification on this machine.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.campaign import part
from tests.hostile.worst_tables import TABLES
from tests.soundness.proofs import case, native, python
from tests.trapdoor import set_aside
from verifai.errors import LimitError, VerifaiError
from verifai.verifier.native import verify
from verifai.verifier.native.circuit import Circuits
from verifai.verifier.native.curve import G1_BYTES
from verifai.verifier.native.field import MAX_WORK

pytest.importorskip("verifai._native", reason="the Rust core is not built")

#: Tables that are as long as tables may be: reading them is most of the work.
LONG = ("custom_entries", "indices", "linear_terms")
PART = 16


def spent(table: bytes) -> float:
    """Processor seconds that a proof of zeros, of the right length, takes.

    Where hints may be zero it is a proof, without masks, of what is true.
    """
    tau = native().Srs.development(1 << 7).tau_g2
    start = time.process_time()
    with suppress(VerifaiError):
        circuit = Circuits(table).of(1)
        weights = bytes(G1_BYTES * len(circuit.layout.rows["weight"]))
        words, proof = [0] * circuit.word_count, bytes(circuit.proof_bytes)
        verify(bytes(32), table, weights, tau, 1, bytes(32), words, proof)
    return time.process_time() - start


@pytest.fixture(autouse=True, scope="module")
def _pairings() -> Iterator[None]:
    with set_aside():
        yield


@pytest.fixture(scope="module")
def honest() -> float:
    """Processor seconds of a small honest verification, the least of three."""
    claim, found = case("mlp", 2, True).claim, []
    for _ in range(3):
        start = time.process_time()
        assert python(claim) is None
        found.append(time.process_time() - start)
    return min(found)


@pytest.mark.parametrize("name", [name for name in TABLES if name not in LONG])
def test_all_that_python_does_is_counted(
    name: str, honest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verifai.verifier.native.field.MAX_WORK", MAX_WORK // PART)
    assert spent(TABLES[name]()) < 6 * honest


@pytest.mark.slow
@pytest.mark.parametrize("name", [*LONG, *part([name for name in TABLES if name not in LONG], 4)])
def test_the_worst_tables_of_each_limit(name: str, honest: float) -> None:
    assert spent(TABLES[name]()) < 48 * honest


#: Public words, and rows of weights, of the tables that have any.
WORDS = {"public_words": 1 << 20, "gathers_of_long_ids": 512, "gathers_of_a_chain": 1}
WEIGHTS = {"gathers_of_long_ids": 1, "gathers_of_a_chain": 1}


def rust(name: str, table: bytes, tau: bytes) -> None:
    proof = bytes(native().native_proof_bytes(table, 1))
    words, weights = bytes(32 * WORDS.get(name, 0)), bytes(G1_BYTES * WEIGHTS.get(name, 0))
    native().native_verify(bytes(32), table, weights, tau, 1, bytes(32), words, proof)


@pytest.mark.parametrize("name", TABLES)
def test_rust_ends_too(name: str, honest: float) -> None:
    """In the time of a few verifications in Python."""
    table = TABLES[name]()
    tau = native().Srs.development(1 << 7).tau_g2
    start = time.process_time()
    with suppress(ValueError, OverflowError):
        rust(name, table, tau)
    assert time.process_time() - start < 10 * honest


def test_the_budget_comes_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of as many blocks as nodes and limbs allow is refused before one is placed."""
    monkeypatch.setattr("verifai.verifier.native.field.MAX_WORK", 1 << 24)
    with pytest.raises(LimitError, match="MAX_WORK"):
        Circuits(TABLES["limb_blocks"]()).of(1)
