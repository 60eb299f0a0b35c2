"""What a proof reveals is uniform, over many proofs of one statement.

A simulator draws every scalar uniformly but those that the verifier's own checks determine: the
tail's mask, and one evaluation of the opening. Commitments and folds it draws as uniform points,
but for that of M, W and W'. So each scalar by itself, each point by itself, and each difference of
one field in two proofs is uniform; nothing ever comes twice.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from itertools import pairwise

import pytest

from tests.campaign import size
from tests.hiding.cases import private
from tests.hiding.fields import Reading, read
from tests.hiding.statistics import suspicious
from tests.hiding.test_masks import MASKS
from tests.soundness.proofs import Claim, rust
from tests.verifier.reference_algebra import P, inv
from verifai.verifier.native.keccak import keccak256

PROOFS = size(400, 160)
#: Proofs with a mask missing or repeated: enough to see what comes twice.
FEW = size(24, 8)
#: The order of BN254's base field.
Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583


def claims(count: int, **spoiled: Sequence[str]) -> list[Claim]:
    """Proofs of one witness, each under a context of its own: without masks they differ in that."""
    case = private()
    contexts = [keccak256(bytes([i & 255, i >> 8])) for i in range(count)]
    made = [case.prover.prove(case.witness, 1, context=c, **spoiled) for c in contexts]
    assert rust(made[0]) is None
    return made


@functools.cache
def honest() -> list[Reading]:
    """Many honest proofs of one statement."""
    return [read(claim, challenges=False) for claim in claims(PROOFS)]


def spoiled(**by: Sequence[str]) -> list[Reading]:
    """A few proofs of the same statement without some masks, or with masks in common."""
    return [read(claim, challenges=False) for claim in claims(FEW, **by)]


def scalars(all_: Sequence[Reading]) -> dict[object, list[int]]:
    """Every scalar by its field."""
    fields: dict[object, list[int]] = {}
    for reading in all_:
        for name, value in reading.flat():
            fields.setdefault(name, []).append(value)
    return fields


def combinations(all_: Sequence[Reading]) -> dict[object, list[int]]:
    """What adds up over a key's proofs in a leaky design: differences, and sums of neighbours."""
    out: dict[object, list[int]] = {}
    for name, values in scalars(all_).items():
        out["difference", name] = [
            (a - b) % P for a, b in zip(values[::2], values[1::2], strict=True)
        ]
    for (name, left), (_, right) in pairwise(scalars(all_).items()):
        out["sum", name] = [(a + b) % P for a, b in zip(left, right, strict=True)]
        out["next difference", name] = [(a - b) % P for a, b in zip(left, right, strict=True)]
    return out


def coordinates(all_: Sequence[Reading]) -> dict[object, list[int]]:
    """Coordinates of points scaled to F: uniform ones have x uniform up to 2^-127."""
    fields: dict[object, list[int]] = {}
    for reading in all_:
        for label, points in reading.points.items():
            for number, point in enumerate(points):
                for axis in (0, 1):
                    value = int.from_bytes(point[32 * axis : 32 * axis + 32], "big")
                    fields.setdefault((label, number, axis), []).append(value * P // Q)
    return fields


def repetitions(all_: Sequence[Reading]) -> set[str]:
    """Labels of scalars and points that come twice."""
    seen: set[object] = set()
    twice = set()
    for reading in all_:
        for (label, _), value in reading.flat():
            if value in seen:
                twice.add(label)
            seen.add(value)
        for label, points in reading.points.items():
            for point in points:
                if point in seen:
                    twice.add(label)
                seen.add(point)
    return twice


def test_every_scalar_is_uniform() -> None:
    fields = scalars(honest())
    assert suspicious(fields) == []
    print(f"{len(fields)} scalars of {PROOFS} proofs, all uniform")


def test_what_several_proofs_add_up_to_is_uniform() -> None:
    assert suspicious(combinations(honest())) == []


def test_every_point_looks_uniform() -> None:
    assert suspicious(coordinates(honest())) == []


def test_nothing_comes_twice() -> None:
    assert repetitions(honest()) == set()


def test_the_scalars_that_others_determine() -> None:
    """A_0(r) follows from y and the other evaluations: check 1 of the opening, solved for it.

    The tail's mask is the other one: <L2, f> = gap + g s has one solution s.
    """

    def folded(reading: Reading, positive: int) -> int:
        (at,) = reading.challenges["opening r"]
        _, *negatives = reading.scalars["opening evaluations"][0]
        columns = reading.challenges["r"][-len(negatives) :]
        for negative, x in zip(negatives, reversed(columns), strict=True):
            even, odd = (positive + negative) * inv(2), (positive - negative) * inv(2 * at)
            positive, at = (even + x * (odd - even)) % P, at * at % P
        return positive

    for reading in map(read, claims(5)):
        ends = [folded(reading, x) for x in (0, 1)]
        (y,) = reading.scalars["value"][0]
        first = (y - ends[0]) * inv(ends[1] - ends[0]) % P
        assert first == reading.scalars["opening evaluations"][0][0]


#: What comes twice where one mask is zero. The other masks are missed by a right guess only.
REPEATED_WITHOUT = {
    "slots": {"columns"},
    "zerocheck pads": {"zerocheck"},
    "tail mask": {"tail mask"},
    "tail blindings": {"tail blinding"},
    "witness blindings": {"stage 1"},
}


@pytest.mark.parametrize("mask", MASKS)
def test_what_comes_twice_without_a_mask(mask: str) -> None:
    assert repetitions(spoiled(unmasked=(mask,))) == REPEATED_WITHOUT.get(mask, set())


@pytest.mark.parametrize("mask", MASKS)
def test_what_comes_twice_with_a_mask_repeated(mask: str) -> None:
    expected = {"zerocheck pads": {"zerocheck"}, "witness blindings": {"stage 1"}}
    assert repetitions(spoiled(repeated=(mask,))) == expected.get(mask, set())


def test_the_tests_of_uniformity_are_not_blind() -> None:
    """Without any mask fields are far from uniform: zeros, and commitments of one row each."""
    plain = [read(claim, challenges=False) for claim in claims(PROOFS // 2, unmasked=MASKS)]
    odd = {label for label, _ in suspicious(scalars(plain))}  # type: ignore[misc]
    assert {"tail row", "tail mask", "tail blinding", "sacrifice", "zerocheck"} <= odd
    assert {label for label, _, _ in suspicious(coordinates(plain))} == {"stage 1", "tail"}  # type: ignore[misc]
