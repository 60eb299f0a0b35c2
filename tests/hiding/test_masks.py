"""Each mask is needed: a proof that lacks it verifies, and tells a right guess from a wrong one.

Guesses are whole witnesses, the strongest that an adversary can have: an attack that a right guess
cannot make succeed is no attack at all.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.hiding.adversary import ATTACKS, Adversary, commitment
from tests.hiding.cases import other_witness, private
from tests.hiding.fields import read
from tests.hiding.pairs import PAIRS, consistent
from tests.soundness.field_lies import circuit_of, claim_of
from tests.soundness.proofs import CONTEXT, Prover, python, rust
from tests.verifier.reference_algebra import P, eq
from tests.verifier.reference_prover import Prover as SlowProver
from verifai.verifier.native.keccak import keccak256

MASKS = (
    "slots",
    "zerocheck pads",
    "contraction pads",
    "triples",
    "second triples",
    "row",
    "tail",
    "tail mask",
    "tail blindings",
    "witness blindings",
    "helper blindings",
    "row blinding",
)


def test_the_masks_are_these() -> None:
    assert tuple(ATTACKS) == MASKS
    assert {mask for _, masks, _, _ in PAIRS.values() for mask in masks} == set(MASKS)
    case = private()
    with pytest.raises(ValueError, match="no mask is called"):
        case.prover.prove(case.witness, 1, unmasked=["a mask"])


@pytest.mark.parametrize("mask", MASKS)
def test_a_mask_left_out(mask: str) -> None:
    attack, missing = ATTACKS[mask]
    case = private()
    claim = case.prover.prove(case.witness, 1, unmasked=missing)
    assert rust(claim) is None
    assert attack(Adversary(case, claim, case.witness))
    assert not attack(Adversary(case, claim, other_witness(case)))
    assert not attack(Adversary(case, case.claim, case.witness))


def test_blindings_of_the_tail_are_needed_where_the_row_is_zero() -> None:
    """With M in place the guess does not determine the tail: M is in its last messages."""
    attack, _ = ATTACKS["tail blindings"]
    case = private()
    for missing in ("tail blindings", "row"):
        claim = case.prover.prove(case.witness, 1, unmasked=[missing])
        assert (read(claim).scalars["tail blinding"] == [[0]]) == (missing == "tail blindings")
        assert not attack(Adversary(case, claim, case.witness))


def test_both_verifiers_accept_proofs_without_masks() -> None:
    """No verifier can tell: hiding is the prover's business (H1: a zero M went unnoticed)."""
    case = private()
    claim = case.prover.prove(case.witness, 1, unmasked=MASKS)
    assert rust(claim) is None
    assert python(claim) is None


def contexts(count: int) -> list[bytes]:
    return [keccak256(bytes([i])) for i in range(count)]


#: Without a guess, and the mask that the review names.
FAST = ("tail, all of it", "tail blindings", "witness blindings, linked", "triples, both")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (n not in FAST)) for n in PAIRS]
)
def test_a_mask_repeated(name: str) -> None:
    """A retry with the same randomness and other challenges (H14)."""
    attack, masks, count, guess = PAIRS[name]
    case = private()

    def adversaries(repeated: Sequence[str], *, right: bool = True) -> list[Adversary]:
        guessed = case.witness if right else other_witness(case)
        claims = [
            case.prover.prove(case.witness, 1, context=context, repeated=repeated)
            for context in contexts(count)
        ]
        assert [rust(claim) for claim in claims] == [None] * count
        return [Adversary(case, claim, guessed) for claim in claims]

    assert attack(adversaries(masks))
    assert not attack(adversaries(()))
    if guess:
        assert not attack(adversaries(masks, right=False))


def used(adversary: Adversary) -> list[int]:
    """All masks of one proof that a right guess of its witness shows."""
    masks = adversary.masks
    return [*masks["slots"], *masks["pads"], *masks["tail"], *adversary.ends, *adversary.second]


def test_one_proof_uses_no_mask_twice() -> None:
    case = private()
    masks = used(Adversary(case, case.claim, case.witness))
    assert len(set(masks)) == len(masks) > 50
    assert 0 not in masks


@pytest.mark.parametrize(
    ("name", "to", "of"),
    [
        ("slots", slice(1, 2), slice(0, 1)),
        ("pads", slice(6, 12), slice(0, 6)),  # of the first two rounds
        ("pads", slice(-2, None), slice(-4, -2)),
        ("triples", slice(6, 12), slice(0, 6)),
        ("triples", slice(9, 12), slice(3, 6)),
    ],
)
def test_masks_in_common_are_seen(name: str, to: slice, of: slice) -> None:
    """A slow prover that takes some of its masks twice: its proof verifies."""
    case = private()
    prover = SlowProver(circuit_of(case.table, case.weights, case.witness, 1), CONTEXT)
    prover.masks[name][to] = prover.masks[name][of]
    prover.prove()
    claim = claim_of(prover)
    assert rust(claim) is None
    masks = used(Adversary(case, claim, case.witness))
    assert len(set(masks)) < len(masks)


def test_weights_without_blindings() -> None:
    """The key itself is a test for any guess of a row of weights."""
    case = private()
    rows = len(case.prover.core.blindings) // 32
    zeros = Prover(case.claim.table, case.weights, case.table.log_columns, bytes(32 * rows))
    claim = zeros.prove(case.witness, 1)
    assert rust(claim) is None
    wrong = [w + 1 for w in case.weights]
    for made, weights, expected in (
        (claim, case.weights, True),
        (claim, wrong, False),
        (case.claim, case.weights, False),
    ):
        adversary = Adversary(case, made, case.witness, weights)
        known = adversary.committed()
        found = [known[i] == commitment(adversary.row(i)) for i in adversary.rows("weight")]
        assert all(found) if expected else not any(found)


BLINDINGS = ("witness blindings", "helper blindings", "row blinding")


@pytest.mark.parametrize("unmasked", [BLINDINGS, ()])
def test_many_proofs_of_one_key_say_nothing_of_its_blindings(unmasked: tuple[str, ...]) -> None:
    """rho = sum eq rho_i: with fresh blindings missing, as many proofs as weight rows give all."""
    case = private("digits")
    blindings = case.prover.core.blindings
    secret = [int.from_bytes(blindings[i : i + 32], "big") for i in range(0, len(blindings), 32)]
    equations = []
    for _ in range(len(secret) + 2):
        real = read(case.prover.prove(case.witness, 1, unmasked=unmasked))
        r = real.challenges["r"]
        weights = eq(r[: len(r) - case.table.log_columns])[: len(secret)]  # the first rows
        equations.append((weights, real.scalars["opening blinding"][0][0]))
    right = [
        sum(a * b for a, b in zip(weights, secret, strict=True)) % P == rho
        for weights, rho in equations
    ]
    assert consistent(equations) == bool(unmasked)
    assert all(right) if unmasked else not any(right)
