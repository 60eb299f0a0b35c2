"""Every claim and every check of the verifier is needed: without it, an attack is accepted.

Each attack is refused by both real verifiers, and accepted by the Python verifier that leaves out
the one claim or check that stands against it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.campaign import FULL
from tests.soundness.broken_verifier import (
    MODULES,
    steps_that_refuse,
    with_decoders,
    without_checks,
    without_claims,
)
from tests.soundness.field_lies import claim_of
from tests.soundness.lying_prover import (
    Liar,
    balance_entry,
    balance_helper,
    circuit,
    fit_column,
    fit_evaluations,
    fit_value,
)
from tests.soundness.proofs import judge, python
from tests.verifier.reference_algebra import P, inv
from verifai.verifier.native.curve import decode_g1

#: The order of BN254's base field.
Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583

#: Claims in the order of "Claims", for the circuit of ``lying_prover``.
CLAIMS = (
    "zerocheck end",
    *(f"column {i}" for i in range(10)),
    "range side",
    "total",
    "table side",
    "words of x",
    "words of y",
    "zero",
    "contraction",
    "left end",
    "right end",
)


def column(number: int) -> Callable[[set[int]], Liar]:
    def attack(left_out: set[int]) -> Liar:
        liar = Liar(circuit("product"), left_out)
        fit_column(liar, number)
        return liar

    return attack


def limb(left_out: set[int], repair: Callable[[Liar], None] | None = None) -> Liar:
    """The first limb of x, of three bits, holds 9."""
    c = circuit("limb")
    c.nodes[0]["limbs"] = [4]
    liar = Liar(c, left_out)  # the prover cuts in four bits and looks up in three
    c.nodes[0]["limbs"] = [3]
    liar.widths = {3}
    for _, _, lookups in liar.groups:
        lookups[:] = [
            (tile, (min(tag, 3) if tag < 16 else tag, *rest)) for tile, (tag, *rest) in lookups
        ]
    if repair:
        repair(liar)
    return liar


def lookup(left_out: set[int]) -> Liar:
    liar = Liar(circuit("lookup"), left_out)
    balance_entry(liar, 1, 5)
    return liar


def words(at: int) -> Callable[[set[int]], Liar]:
    def attack(left_out: set[int]) -> Liar:
        liar = Liar(circuit(), left_out)
        liar.shown = lambda given: [w + (i == at) for i, w in enumerate(given)]
        return liar

    return attack


def end(side: int) -> Callable[[set[int]], Liar]:
    """One end is sent such that the contraction ends well; three runs find it."""

    def residue(delta: int) -> int:
        liar = Liar(circuit("einsum"))
        liar.w.hooks["ends"] = lambda ends: ends.__setitem__(side, ends[side] + delta)
        liar.prove()
        return liar.residues.get(CLAIMS.index("contraction"), 0)

    def attack(left_out: set[int]) -> Liar:
        at_0, at_1 = residue(0), residue(1)
        delta = at_0 * inv(at_0 - at_1) % P
        liar = Liar(circuit("einsum"), left_out)
        liar.w.hooks["ends"] = lambda ends: ends.__setitem__(side, ends[side] + delta)
        return liar

    return attack


ATTACKS: dict[str, Callable[[set[int]], Liar]] = {
    "zerocheck end": lambda out: Liar(circuit("product"), out),
    **{f"column {i}": column(i) for i in range(10)},
    "range side": lambda out: limb(out, lambda liar: balance_entry(liar, 0, 9)),
    "total": limb,
    "table side": lookup,
    "words of x": words(0),
    "words of y": words(1),
    "zero": lambda out: Liar(circuit("zero"), out),
    "contraction": lambda out: Liar(circuit("einsum"), out),
    "left end": end(0),
    "right end": end(1),
}


def test_the_claims_are_these() -> None:
    """The verifier asks for one scale per claim, and the prover makes as many claims."""
    counted: list[int] = []
    liar = Liar(circuit())
    liar.prove()
    assert liar.false == []
    assert judge(claim_of(liar)) is None
    assert python(claim_of(liar), without_claims(set(), counted)) is None
    assert counted == list(range(len(CLAIMS)))
    assert liar.numbered == len(CLAIMS)
    assert list(ATTACKS) == list(CLAIMS)


#: Columns that are like another one, in campaigns only: 0 to 3 are lookups, 5 to 9 factors.
ALIKE = {f"column {i}" for i in (1, 2, 6, 7, 8)}


@pytest.mark.parametrize("name", [n for n in CLAIMS if FULL or n not in ALIKE])
def test_a_claim_left_out_is_noticed(name: str) -> None:
    number = CLAIMS.index(name)
    liar = ATTACKS[name]({number})
    liar.prove()
    # the end of the zerocheck is a number, not a form: the prover does not look at it
    assert liar.false == ([] if name == "zerocheck end" else [number])
    attack = claim_of(liar)
    assert python(attack, without_claims({number})) is None
    assert judge(attack) == "last"
    other = (number + 7) % len(CLAIMS)
    assert python(attack, without_claims({other})) == "last"


def test_a_helper_that_makes_the_total_true_is_no_helper() -> None:
    """The missing sum on one h: range side and total hold, and the zerocheck does not end well."""
    for left_out in (set(), {0}):
        liar = limb(left_out, balance_helper)
        liar.prove()
        assert liar.false == []
        assert judge(claim_of(liar)) == "last"
        assert python(claim_of(liar), without_claims({0})) is None


# ---- checks -------------------------------------------------------------------------------------


def attack_last(liar: Liar) -> None:
    """Nothing but the false witness."""


def attack_extra_word(liar: Liar) -> None:
    liar.shown = lambda words: [*words, 5]


def attack_other_word(liar: Liar) -> None:
    liar.shown = lambda words: [words[0] + P, *words[1:]]


#: Step: the circuit's lie and what the prover does about it.
CHECKS: dict[str, list[tuple[str, Callable[[Liar], None]]]] = {
    "last": [("product", attack_last), ("zero", attack_last), ("einsum", attack_last)],
    "opening folding": [("zero", fit_value), ("einsum", fit_value)],
    "opening pairing": [("zero", fit_evaluations)],
    "public words": [("", attack_extra_word), ("", attack_other_word)],
}


@pytest.mark.parametrize("step", CHECKS)
def test_a_check_left_out_is_noticed(step: str) -> None:
    for lie, prepare in CHECKS[step]:
        liar = Liar(circuit(lie))
        prepare(liar)
        liar.prove()
        attack = claim_of(liar)
        assert judge(attack) == step
        assert python(attack, without_checks(step)) is None
        others = [other for other in CHECKS if other != step]
        assert python(attack, without_checks(*others)) == step


def test_lengths_are_checked_twice() -> None:
    """Before anything is read, and by the reader: each alone is enough, without both is not."""
    liar = Liar(circuit())
    liar.prove()
    longer = claim_of(liar).but(proof=liar.w.proof + b"\0")
    assert judge(longer) == "length"
    assert python(longer, without_checks("length")) == "end of the proof"
    assert python(longer, without_checks("end of the proof")) == "length"
    assert python(longer, without_checks("length", "end of the proof")) is None
    shorter = claim_of(liar).but(proof=liar.w.proof[:-1])
    assert python(shorter, without_checks("length")) == "opening W'"


def test_every_check_has_its_attack() -> None:
    """A step that somebody adds to the verifier needs an attack here."""
    steps = set().union(*map(steps_that_refuse, MODULES))
    assert steps == {*CHECKS, "length", "end of the proof", "tail"}  # tail: test_hiding_lies.py


def test_other_encodings_are_accepted_by_readers_that_reduce() -> None:
    """p more than a scalar, q more than a coordinate: the same elements, other bytes."""

    def more(by: int) -> Callable[[bytes], bytes]:
        def encode(element: bytes) -> bytes:
            return (int.from_bytes(element[:32], "big") + by).to_bytes(32, "big") + element[32:]

        return encode

    def reduced_point(data: bytes) -> Any:
        x = int.from_bytes(data[:32], "big") % Q
        return decode_g1(x.to_bytes(32, "big") + data[32:])

    attempts = (
        ("columns", P, {"decode_scalar": lambda data: int.from_bytes(data, "big") % P}),
        ("stage 1", Q, {"decode_g1": reduced_point}),
    )
    for label, by, decoders in attempts:
        liar = Liar(circuit())
        liar.w.encodings[label] = more(by)
        liar.prove()
        assert judge(claim_of(liar)) == label
        assert python(claim_of(liar), with_decoders(**decoders)) is None
