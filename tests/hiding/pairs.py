"""What two proofs with one mask in common give away: it cancels, and the challenges differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from tests.hiding.adversary import Adversary, commitment, minus
from tests.hiding.fields import Reading
from tests.verifier.reference_algebra import P, encode, inv
from verifai.verifier.native.curve import G1Point, H, decode_g1, msm

Attack = Callable[[Sequence[Adversary]], bool]


def same(of: Callable[[Adversary], object]) -> Attack:
    """What the guess leaves over is one mask, the same in all proofs, and not zero."""
    return lambda all_: bool(of(all_[0])) and all(of(a) == of(b) for a, b in pairwise(all_))


def one(reading: Reading, label: str) -> int:
    (value,) = reading.challenges[label]
    return value


def tail_of(first: Reading, second: Reading) -> list[int]:
    """Without any guess: f - f' = (g - g') M2, hence M2 and P2."""
    (f,), (f2,) = first.scalars["tail row"], second.scalars["tail row"]
    g, g2 = one(first, "g"), one(second, "g")
    scale = inv(g - g2)
    return [(a - g * (a - b) * scale) % P for a, b in zip(f, f2, strict=True)]


def tail_blindings_of(first: Reading, second: Reading) -> tuple[int, int]:
    """Without any guess: b + g b' is sent for two g."""
    ((s,),), ((t,),) = first.scalars["tail blinding"], second.scalars["tail blinding"]
    g, h = one(first, "g"), one(second, "g")
    of_mask = (s - t) * inv(g - h) % P
    return (s - g * of_mask) % P, of_mask


def tail(all_: Sequence[Adversary]) -> bool:
    """Tail, mask and blindings repeated: P2 is known, and its commitment says so."""
    first, second = (a.real for a in all_[:2])
    blinding, _ = tail_blindings_of(first, second)
    return commitment(tail_of(first, second), blinding) == first.points["tail"][0]


def tail_blindings(all_: Sequence[Adversary]) -> bool:
    """Two proofs tell what the third one sends."""
    blinding, of_mask = tail_blindings_of(all_[0].real, all_[1].real)
    third = all_[2].real
    ((sent,),) = third.scalars["tail blinding"]
    return (blinding + one(third, "g") * of_mask - sent) % P == 0


def triples(all_: Sequence[Adversary]) -> bool:
    """A - A' has no pad left."""
    sent = [a.real.scalars["ends"] for a in all_[:2]]
    said = [a.said["ends"] for a in all_[:2]]
    return minus(*sent) == minus(*said)


def first_pad(all_: Sequence[Adversary]) -> bool:
    """Both triples repeated: (e - e') / (x - x') is the pad a; the end is one of weights, known."""
    first, second = (a.real for a in all_[:2])
    (e, *_), (e2, *_) = first.scalars["sacrifice"][0], second.scalars["sacrifice"][0]
    pad = (e - e2) * inv(one(first, "x") - one(second, "x")) % P
    return (first.scalars["ends"][0][0] - pad - all_[0].said["ends"][0][0]) % P == 0


def second_triples(all_: Sequence[Adversary]) -> bool:
    """(B - f) - (B' - f') has no pad left."""
    apart = []
    for a in all_[:2]:
        sent, shown = a.real.scalars["ends"][0], a.real.scalars["sacrifice"][0]
        apart.append(
            [(s - f - t) % P for s, f, t in zip(sent, shown, a.said["ends"][0], strict=True)]
        )
    return apart[0][1::2] == apart[1][1::2]


def tail_mask(all_: Sequence[Adversary]) -> bool:
    """(f - P2) / g, P2 being that of the guess."""
    found = [
        (a.real.scalars["tail row"][0][0] - a.masks["tail"][0]) * inv(one(a.real, "g")) % P
        for a in all_[:2]
    ]
    return found[0] == found[1]


def differences(region: str) -> Attack:
    """C - C' is the commitment of the guessed difference, in every row."""

    def attack(all_: Sequence[Adversary]) -> bool:
        first, second = all_[:2]
        found = []
        for i in first.rows(region):
            points: list[G1Point] = [decode_g1(a.committed()[i]) for a in (first, second)]
            guessed = commitment(minus([first.row(i)], [second.row(i)]))
            found.append(encode(msm(points, [1, P - 1])) == guessed)
        return all(found)

    return attack


def row_blinding(all_: Sequence[Adversary]) -> bool:
    """What the combination of all rows but M lacks is its weight times one blinding, twice."""
    left = []
    for a in all_[:2]:
        weight = a.row_weights()[a.rows("mask")[0]]
        parts = [decode_g1(a.without_blindings("mask")), decode_g1(commitment(a.combined()))]
        left.append(msm(parts, [inv(weight), -inv(weight) % P]))
    return left[0] == left[1] and left[0] not in (None, H)


def functionals(adversary: Adversary) -> list[tuple[list[int], int]]:
    """Functionals of M, and their values if the guess is right: A_0 at r, all A_k at -r_k."""
    real = adversary.real
    columns = real.challenges["r"][-adversary.circuit.log_columns :]
    size = 2**adversary.circuit.log_columns
    weight = adversary.row_weights()[adversary.rows("mask")[0]]
    known = adversary.combined()
    at = one(real, "opening r")
    out = []
    # A_k as a matrix on A_0: entry j of A_k is a sum over entries j 2^k + low of A_0
    fold = [1]
    for k, value in enumerate(real.scalars["opening evaluations"][0]):
        if k:
            x = -pow(at, 2 ** (k - 1), P) % P
            vector = [
                pow(x, j >> (k - 1), P) * fold[j & (2 ** (k - 1) - 1)] % P for j in range(size)
            ]
            bound = columns[-k]
            fold = [f * (1 - bound) % P for f in fold] + [f * bound % P for f in fold]
        else:
            vector = [pow(at, j, P) for j in range(size)]
        rest = (value - sum(a * b for a, b in zip(vector, known, strict=True))) % P
        out.append(([weight * v % P for v in vector], rest))
    return out


def consistent(equations: Sequence[tuple[Sequence[int], int]]) -> bool:
    """Whether linear equations mod P have a solution, being more than the unknowns."""
    rows = [[*left, right] for left, right in equations]
    unknowns = len(rows[0]) - 1
    assert len(rows) > unknowns
    done = 0
    for column in range(unknowns):
        pivot = next((i for i in range(done, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[done], rows[pivot] = rows[pivot], rows[done]
        scale = inv(rows[done][column])
        top = rows[done] = [v * scale % P for v in rows[done]]
        for i in range(done + 1, len(rows)):
            if factor := rows[i][column]:
                rows[i] = [(a - factor * b) % P for a, b in zip(rows[i], top, strict=True)]
        done += 1
    return all(row[-1] == 0 for row in rows[done:])


def row(all_: Sequence[Adversary]) -> bool:
    """Eight values of each proof are functionals of one M: too many for a wrong guess."""
    return consistent([equation for a in all_ for equation in functionals(a)])


def blindings_repeated(all_: Sequence[Adversary]) -> bool:
    """Equal inputs have equal commitments: proofs of one person can be told from another's."""
    first, second = all_[:2]
    return any(first.committed()[i] == second.committed()[i] for i in first.rows("input"))


#: name: attack, masks that are the same in all proofs, number of proofs, is the guess tested.
PAIRS: dict[str, tuple[Attack, tuple[str, ...], int, bool]] = {
    "slots": (same(lambda a: a.masks["slots"]), ("slots",), 2, True),
    "zerocheck pads": (same(lambda a: a.pads_of_zerocheck), ("zerocheck pads",), 2, True),
    "contraction pads": (same(lambda a: a.pads_of_contractions), ("contraction pads",), 2, True),
    "triples": (triples, ("triples",), 2, True),
    "triples, both": (first_pad, ("triples", "second triples"), 2, False),
    "second triples": (second_triples, ("second triples",), 2, True),
    "row": (row, ("row",), 17, True),
    "tail": (same(lambda a: a.masks["tail"]), ("tail",), 2, True),
    "tail, all of it": (tail, ("tail", "tail mask", "tail blindings"), 2, False),
    "tail mask": (tail_mask, ("tail mask",), 2, True),
    "tail blindings": (tail_blindings, ("tail blindings",), 3, False),
    "witness blindings": (differences("witness"), ("witness blindings",), 2, True),
    "witness blindings, linked": (blindings_repeated, ("witness blindings",), 2, False),
    "helper blindings": (differences("helper"), ("helper blindings",), 2, True),
    "row blinding": (row_blinding, ("row blinding",), 2, True),
}
