"""Every claim and check of hiding is needed: without it, an attack on a hiding proof is accepted.

As in ``test_verifier_mutation.py``, by the slow prover with masks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.campaign import FULL
from tests.soundness.broken_verifier import (
    MODULES,
    assembled,
    compiled,
    with_challenge,
    without_checks,
)
from tests.soundness.broken_verifier import without_claims as without
from tests.soundness.field_lies import claim_of
from tests.soundness.lying_prover import (
    Knowing,
    Liar,
    Recorder,
    balance_entry,
    circuit,
    fit_column,
    fit_value,
)
from tests.soundness.proofs import judge, python
from tests.soundness.test_verifier_mutation import ALIKE
from tests.soundness.test_verifier_mutation import CLAIMS as PLAIN
from tests.verifier.reference_algebra import Linear, P, combine, eq, inv
from tests.verifier.reference_prover import Prover
from verifai.verifier.native.circuit import Circuit, Circuits
from verifai.verifier.native.key import Key

#: Claims in the order of "Claims", with those of "Hiding tables".
CLAIMS = (*PLAIN, "first triple", "second factor", "product of triples")


def hiding(lie: str = "", left_out: set[int] | None = None) -> Liar:
    return Liar(circuit(lie, hiding=True), left_out)


def column(number: int) -> Callable[[set[int]], Liar]:
    def attack(left_out: set[int]) -> Liar:
        liar = hiding("product", left_out)
        fit_column(liar, number)
        return liar

    return attack


def limb(left_out: set[int], entry: int | None = None, of: type[Liar] = Liar) -> Liar:
    """The first limb of x, of three bits, holds 9."""
    c = circuit("limb", hiding=True)
    c.nodes[0]["limbs"] = [4]
    liar = of(c, left_out)
    c.nodes[0]["limbs"] = [3]
    liar.widths = {3}
    for _, _, lookups in liar.groups:
        lookups[:] = [
            (tile, (min(tag, 3) if tag < 16 else tag, *rest)) for tile, (tag, *rest) in lookups
        ]
    if entry is not None:
        balance_entry(liar, 0, entry)
    return liar


def lookup(left_out: set[int]) -> Liar:
    liar = hiding("lookup", left_out)
    balance_entry(liar, 1, 5)
    return liar


def words(at: int) -> Callable[[set[int]], Liar]:
    def attack(left_out: set[int]) -> Liar:
        liar = hiding("", left_out)
        liar.shown = lambda given: [w + (i == at) for i, w in enumerate(given)]
        return liar

    return attack


def end(side: int) -> Callable[[set[int]], Liar]:
    """One end is sent such that the contraction ends well; three runs find it."""

    def shifted(delta: int, left_out: set[int] | None = None) -> Liar:
        liar = hiding("einsum", left_out)
        liar.w.hooks["ends"] = lambda ends: ends.__setitem__(side, ends[side] + delta)
        return liar

    def residue(delta: int) -> int:
        liar = shifted(delta)
        liar.prove()
        return liar.residues.get(CLAIMS.index("contraction"), 0)

    def attack(left_out: set[int]) -> Liar:
        at_0, at_1 = residue(0), residue(1)
        return shifted(at_0 * inv(at_0 - at_1) % P, left_out)

    return attack


def forged(left_out: set[int] | None = None, x: int | None = None) -> Liar:
    """Every output of the einsum is one more: c is no product, and makes up for it (H3).

    Two real outputs: the sum of eq over them is 1, so the initial claim is false by one number at
    every point. A constant in each round message keeps it so; t_c = t_a t_b + shift discharges it.
    """
    liar = hiding("einsum", left_out)
    rounds = liar.cube_of(liar.einsums_under(liar.c.constraints["zero"][1])[0])
    # the zero node is h - e, so the einsum has the coefficient -1: claim = -(h) = -(e + 1) for -e
    wrong, triples = -1, liar.masks["triples"]
    shift = wrong * inv(pow(2, rounds)) * -1 % P
    triples[2] = (triples[2] + shift) % P
    if x is not None:  # known in advance: the second triple makes up for the first
        triples[5] = (triples[5] + x * shift) % P
    sent = [0]

    def constant(message: list[int]) -> None:
        sent[0] += 1
        for i in range(2):
            message[i] += wrong * inv(pow(2, sent[0]))

    liar.w.hooks["contraction"] = constant
    return liar


def revealed(entry: int) -> Callable[[set[int]], Liar]:
    """e or f is sent such that the last claim of the sacrifice holds."""

    def attack(left_out: set[int]) -> Liar:
        liar = forged(left_out)

        def hook(sent: list[int]) -> None:
            _, _, c, a2, b2, c2 = liar.masks["triples"]
            (x,), (e, f) = liar.w.drawn["x"], sent
            if entry == 0:
                sent[0] = (x * c - c2 - f * a2) * inv(b2 + f) % P
            else:
                sent[1] = (x * c - c2 - e * b2) * inv(a2 + e) % P

        liar.w.hooks["sacrifice"] = hook
        return liar

    return attack


ATTACKS: dict[str, Callable[[set[int]], Liar]] = {
    "zerocheck end": lambda out: hiding("product", out),
    **{f"column {i}": column(i) for i in range(10)},
    "range side": lambda out: limb(out, 9),
    "total": limb,
    "table side": lookup,
    "words of x": words(0),
    "words of y": words(1),
    "zero": lambda out: hiding("zero", out),
    "contraction": lambda out: hiding("einsum", out),
    "left end": end(0),
    "right end": end(1),
    "first triple": revealed(0),
    "second factor": revealed(1),
    "product of triples": forged,
}


def test_the_claims_are_these() -> None:
    counted: list[int] = []
    liar = hiding()
    liar.prove()
    assert liar.false == []
    assert judge(claim_of(liar)) is None
    assert python(claim_of(liar), without(set(), counted)) is None
    assert counted == list(range(len(CLAIMS)))
    assert liar.numbered == len(CLAIMS)
    assert list(ATTACKS) == list(CLAIMS)


#: The sacrifice; the other claims are those of proofs that do not hide, with pads and slots.
NEW = ("zerocheck end", "column 0", "column 9", "contraction", "left end", "right end")
FAST = {*NEW, *CLAIMS[len(PLAIN) :]}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=[pytest.mark.slow] * (n not in FAST))
        for n in CLAIMS
        if FULL or n not in ALIKE
    ],
)
def test_a_claim_left_out_is_noticed(name: str) -> None:
    number = CLAIMS.index(name)
    liar = ATTACKS[name]({number})
    liar.prove()
    assert liar.false == [number]
    attack = claim_of(liar)
    assert python(attack, without({number})) is None
    assert judge(attack) == "tail"
    other = (number + 7) % len(CLAIMS)
    assert python(attack, without({other})) == "tail"


# ---- checks and challenges ----------------------------------------------------------------------


def test_a_triple_checked_with_a_known_challenge() -> None:
    """The second triple protects by x alone: known before, c' = a' b' + x (c - a b)."""
    liar = forged(x=5)
    liar.w = Knowing({"x": 5}, liar.w.hooks)
    liar.prove()
    assert liar.false == []
    assert python(claim_of(liar), with_challenge(x=5)) is None
    assert judge(claim_of(liar)) is not None
    honest = forged(x=5)
    honest.prove()
    assert honest.false == [CLAIMS.index("product of triples")]
    assert judge(claim_of(honest)) == "tail"


@pytest.mark.parametrize("lie", ["product", "zero", "einsum"])
def test_the_tail_left_out(lie: str) -> None:
    liar = hiding(lie)
    liar.prove()
    assert judge(claim_of(liar)) == "tail"
    assert python(claim_of(liar), without_checks("tail")) is None
    assert python(claim_of(liar), without_checks("last")) == "tail"


def tail_gap(liar: Liar) -> int:
    """<L2, P2> that the verifier wants, minus that of the committed tail."""
    drawn = liar.w.drawn["r"]
    coefficients = [liar.total.get(address, 0) for address in range(2**liar.n)]
    for r in drawn:
        half = len(coefficients) // 2
        coefficients = [
            (a + r * (b - a)) % P
            for a, b in zip(coefficients[:half], coefficients[half:], strict=True)
        ]
    (y,) = liar.w.said["value"][0]
    return coefficients[0] * (y - liar.wanted()) % P


def test_a_row_that_nobody_opens() -> None:
    """f is whatever the tail check wants: only the opening ties it to the committed tail."""
    real = MODULES["opening"].check_opening

    def without_public_rows(*arguments: Any) -> None:
        real(*arguments[:-1])

    broken = assembled({"verify": compiled("verify", {"check_opening": without_public_rows})})

    def forge(*, opened: bool) -> Liar:
        liar = hiding("zero")

        def hook(row: list[int]) -> None:
            weights = liar.tail_weights(liar.w.drawn["r"])
            row[0] = (row[0] + tail_gap(liar) * inv(weights[0])) % P

        liar.w.hooks["tail row"] = hook
        if not opened:
            liar.w.hooks["opening evaluations"] = lambda _: liar.public_rows.clear()
        liar.prove()
        return liar

    unopened = claim_of(forge(opened=False))
    assert python(unopened, broken) is None
    assert judge(unopened) == "opening pairing"
    assert judge(claim_of(forge(opened=True))) == "opening pairing"


def test_a_mask_of_the_tail_that_follows_its_challenge() -> None:
    """s is sent before g: with g known, s = <L2, M2> + gap / g."""
    liar = hiding("zero")
    liar.w = Knowing({"g": 5}, liar.w.hooks)
    liar.w.hooks["tail mask"] = lambda s: s.__setitem__(0, s[0] - tail_gap(liar) * inv(5))
    liar.prove()
    assert python(claim_of(liar), with_challenge(g=5)) is None
    assert judge(claim_of(liar)) == "tail"


class LateRow(Recorder):
    """The last row of stage 1, M, is in the proof and not in the transcript."""

    def step(self, operation: int, kind: int, label: str, payload: bytes) -> None:
        super().step(operation, kind, label, payload[:-64] if label == "stage 1" else payload)


def test_a_row_that_follows_the_point() -> None:
    """M committed after r: the value is whatever the last sumcheck wants (H1)."""
    real = MODULES["transcript"].Transcript

    class Late(real):  # type: ignore[misc, valid-type]
        def absorb(self, label: str, kind: Any, payload: bytes) -> None:
            super().absorb(label, kind, payload[:-64] if label == "stage 1" else payload)

    class Forger(Liar):
        def reveal_tail(self, r: list[int]) -> None:
            """Called after the last round: M is chosen now."""
            row = self.rows["mask"][0]
            cut = self.n - self.c.log_columns
            weight = eq(r[:cut])[row] * eq(r[cut:])[0]
            place = self.lines["row"].base
            self.vector[place] = (self.vector[place] + self.missing * inv(weight)) % P
            before = self.points[row]
            self.commit("mask")
            self.w.proof = self.w.proof.replace(before, self.points[row])
            super().reveal_tail(r)

        def fit(self, values: list[int]) -> None:
            wanted = self.wanted()
            self.missing = (wanted - values[0]) % P
            values[0] = wanted

    for lie in ("zero", "einsum"):
        forger = Forger(circuit(lie, hiding=True))
        forger.w = LateRow()
        forger.w.hooks["value"] = forger.fit
        forger.prove()
        assert not forger.holds
        broken = assembled({"verify": compiled("verify", {"Transcript": Late})})
        assert python(claim_of(forger), broken) is None
        assert judge(claim_of(forger)) is not None
    # in the right order the same value is refused by the opening
    liar = hiding("zero")
    fit_value(liar)
    liar.prove()
    assert judge(claim_of(liar)) == "opening folding"


class Crowded(Prover):
    """Slots at position 0 of the cube, where the first limb is: its column has both there."""

    slots = [-6] + [0] * 9

    def looked_up(self) -> list[list[tuple[int, Any, Any]]]:
        groups = super().looked_up()
        tag, values, outputs = groups[0][0]
        inside = values.copy()
        inside[0, 0] += self.slots[0]
        groups[0][0] = (tag, inside, outputs)
        return groups

    def zerocheck(self, alpha: int, beta: int, lookup_values: Any) -> list[Linear]:
        slots = self.masks.pop("slots")
        first, *columns = super().zerocheck(alpha, beta, lookup_values)
        weight = eq(self.w.drawn["z"])[0]
        base = self.lines["slots"].base
        self.masks["slots"] = slots
        return [
            first,
            *(combine((1, claim), (weight, {base + j: 1})) for j, claim in enumerate(columns)),
        ]


class CrowdedLiar(Liar, Crowded):
    """Its 9 in three bits looks like 3."""


def test_slots_where_lookups_are() -> None:
    """A slot where a selector has weight frees its column: slots have a position of their own."""

    class CrowdedCircuits(Circuits):
        def of(self, batch: int) -> Circuit:
            circuit = super().of(batch)
            hiding = replace(circuit.layout.hiding, position=0)
            return replace(circuit, layout=replace(circuit.layout, hiding=hiding))

    def crowded(header: bytes, table: bytes, commitments: bytes, tau_g2: bytes) -> Key:
        key = Key(header, table, commitments, tau_g2)
        key.circuits = CrowdedCircuits(table)
        return key

    liar = limb(set(), of=CrowdedLiar)
    liar.masks["slots"] = [slot % P for slot in Crowded.slots]
    liar.prove()
    assert liar.false == []
    broken = assembled({"verify": compiled("verify", {"Key": crowded})})
    assert python(claim_of(liar), broken) is None
    assert judge(claim_of(liar)) == "tail"
