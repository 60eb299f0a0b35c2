"""Compact tables compute what the Python verifier computes, for any table and any messages."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.campaign import size
from tests.contracts.native import model
from tests.contracts.native.random_tables import Messages, random_messages, random_table
from tests.soundness.proofs import CONTEXT, HEADER_DIGEST, development
from tests.verifier.circuits import Circuit, canonical, integers
from verifai.compact import compact_table
from verifai.errors import UnsupportedError
from verifai.verifier.native import verify
from verifai.verifier.native.claims import Form
from verifai.verifier.native.curve import decode_g2
from verifai.verifier.native.field import P

FAST, ALL = 60, size(500, 160)


class ToldError(Exception):
    """What a verification would have compared."""


def by_the_verifier(
    monkeypatch: pytest.MonkeyPatch, table: bytes, batch: int, told: Messages
) -> dict[str, int]:
    """Constant and L(r), from the claims as docs/protocol.md has them."""
    evaluate = Form.at

    def at(form: Form, point: Any) -> int:
        raise ToldError(form.constant % P, evaluate(form, point) % P)

    arguments = (development(7).tau_g2, batch, CONTEXT, told.words, told.proof)
    with monkeypatch.context() as patch:
        patch.setattr(Form, "at", at)
        with pytest.raises(ToldError) as found:
            verify(HEADER_DIGEST, table, told.commitments, *arguments)
    constant, at_r = found.value.args
    return {"constant": constant, "at_r": at_r}


def compare(monkeypatch: pytest.MonkeyPatch, table: bytes, batch: int, seed: int) -> None:
    told = random_messages(table, batch, random.Random(seed))
    tau = development(7).tau_g2
    compact = compact_table(HEADER_DIGEST, table, told.commitments, tau, batch)
    found = model.verify(
        compact, decode_g2(tau), CONTEXT, told.words, told.proof, check=False
    )  # fmt: skip
    assert found == by_the_verifier(monkeypatch, table, batch, told), table.decode()


@pytest.mark.parametrize(
    "seeds",
    [
        pytest.param(range(FAST), id="some"),
        pytest.param(range(FAST, ALL), id="many", marks=pytest.mark.slow),
    ],
)
def test_random_tables(monkeypatch, seeds):
    for seed in seeds:
        table, batch = random_table(seed)
        compare(monkeypatch, table, batch, seed)


def line(*steps: tuple[int, int, int], length: int = 1) -> bytes:
    """Views of one axis, one of the other: (target size, offset, coefficient) each."""
    circuit = Circuit(1, 7)
    node = circuit.committed("input", integers([[0] * length]), [8])
    for width, offset, step in steps:
        node = circuit.view(node, (width,), [{"offset": offset, "terms": [[0, step]]}])
    circuit.zero(node)
    return canonical(circuit.table())


CHAINS = {
    "one entry read by four": line((4, 0, 1)),
    "one entry among padding": line((3, -1, 1)),
    "padded and cut": line((8, 0, 1), (2, 0, 1), length=4),
    "padded and cut to itself": line((8, 0, 1), (4, 0, 1), length=4),
    "padded and cut, no power of two": line((9, 0, 1), (2, 0, 1), length=3),
    "one entry, padded, cut and read again": line((4, 0, 1), (1, 2, 1), (4, 0, 1)),
    "nothing is read": line((4, 9, 1), length=4),
}


@pytest.mark.parametrize("name", CHAINS)
def test_chains_of_views(monkeypatch, name):
    for seed in range(3):
        compare(monkeypatch, CHAINS[name], 1, seed)


def test_an_einsum_of_which_nothing_is_read(monkeypatch):
    """Its ends are sent, so its coefficient counts."""
    circuit = Circuit(1, 7)
    left = circuit.committed("input", integers([[0] * 4]), [8])
    right = circuit.weight(integers([0] * 4))
    product = circuit.einsum(left, right, ("a", "a", "a"))
    circuit.zero(circuit.view(product, (4,), [{"offset": 7, "terms": []}]))
    compare(monkeypatch, canonical(circuit.table()), 1, 0)


def test_equal_places_in_tensors_of_two_lengths(monkeypatch):
    circuit = Circuit(1, 7)
    long = circuit.committed("input", integers([[0] * 6]), [8])
    short = circuit.committed("input", integers([[0] * 4]), [8])
    reads = [{"axis": 0, "indices": [0, 2, 3, 1]}]
    circuit.zero(circuit.linear(*((1, circuit.view(x, (4,), reads)) for x in (long, short))))
    compare(monkeypatch, canonical(circuit.table()), 1, 0)


@pytest.mark.parametrize(("offset", "step"), [(1 << 32, 1), (-(1 << 32), 1 << 32), (1 << 31, 1)])
def test_a_view_that_reads_far_away_is_unsupported(offset, step):
    """Cut to the four bytes that the contract has it would be another circuit's."""
    table = line((4, offset, step), length=4)
    commitments = random_messages(table, 1, random.Random(0)).commitments
    with pytest.raises(UnsupportedError, match="away from its tensor"):
        compact_table(HEADER_DIGEST, table, commitments, development(7).tau_g2, 1)


def test_many_contractions(monkeypatch):
    """Powers of eta are not written out."""
    circuit = Circuit(1, 7)
    left = circuit.committed("input", integers([[0]]), [8])
    right = circuit.weight(integers([0]))
    for _ in range(120):
        circuit.zero(circuit.einsum(left, right, ("a", "a", "a")))
    table = canonical(circuit.table())
    compare(monkeypatch, table, 1, 0)
    commitments = random_messages(table, 1, random.Random(0)).commitments
    assert len(compact_table(HEADER_DIGEST, table, commitments, development(7).tau_g2, 1)) < 10_000
