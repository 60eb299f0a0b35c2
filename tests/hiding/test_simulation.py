"""Hiding as linear algebra: for fixed challenges, two witnesses give the same distribution.

Revealed are all scalars of a proof and, in a group whose logarithms everybody sees, all its points.
Columns, ends and sacrifices depend on slots and triples alone; for either witness exactly one
choice of those gives any values wanted. All else is then affine in the other masks, with a matrix
that no witness enters. So proofs of two witnesses are distributed alike if and only if their
difference, for one choice of the masks, is in the span of that matrix: uniform masks reach it.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Iterable, Sequence

import pytest

from tests.soundness.lying_prover import Recorder
from tests.verifier import reference_hiding, reference_opening, reference_prover
from tests.verifier.circuits import Circuit, integers
from tests.verifier.reference_algebra import P, inv
from tests.verifier.reference_prover import Prover
from verifai.verifier.native.curve import H
from verifai.verifier.native.keccak import keccak256

Vector = dict[tuple[str, int], int]
#: What slots and triples alone determine.
CLEAR = ("columns", "ends", "sacrifice")
#: The logarithm of H.
LOG_H = 0xB1D
#: Entries of M that are varied: more than are needed, and fewer than all, for time.
ENTRIES = 56


def small(x: Sequence[int], w: Sequence[int]) -> Circuit:
    """ReLU and a dense layer, private throughout."""
    c = Circuit(1, 7)
    c.hiding = True
    x_ = c.committed("input", integers([list(x)]), [3], -3)
    y = c.committed("witness", integers([[max(v, 0) for v in x]]), [3])
    d = c.committed("witness", c.values[y] - c.values[x_], [3])
    c.zero(c.linear((1, y), (-1, d), (-1, x_)))
    c.product(y, d)
    weight = c.weight(integers(list(w)))
    e = c.einsum(y, weight, ("k", "k", ""))
    out = c.committed("output", c.values[e], [8], -128)
    c.zero(c.linear((1, out), (-1, e)))
    return c


class Fixed(Recorder):
    """Challenges that depend on nothing but a seed; points are recorded as their logarithms."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed

    def send(self, label: str, kind: int, elements: list[bytes]) -> None:
        if kind == 2:
            values = [int.from_bytes(e, "big") for e in elements]
            self.said.setdefault(label, []).append(values)

    def step(self, operation: int, kind: int, label: str, payload: bytes) -> None:
        pass

    def draw(self, label: str) -> int:
        drawn = self.drawn.setdefault(label, [])
        data = f"{self.seed} {label} {len(drawn)}".encode()
        drawn.append(int.from_bytes(keccak256(data), "big") % P)
        return drawn[-1]


class Proving(Prover):
    """The slow prover with given masks; those of a name are one list."""

    def __init__(self, circuit: Circuit, given: dict[str, list[int]], seed: int) -> None:
        self.given = given
        super().__init__(circuit)
        self.w = Fixed(seed)
        self.masks = {name: list(given[name]) for name in MASKS}
        triples = self.masks["triples"]
        for i in range(0, len(triples), 3):
            triples[i + 2] = triples[i] * triples[i + 1] % P

    def commit(self, region: str) -> list[bytes]:
        name = f"{region} blindings"
        self.blindings = iter(self.given[name])
        return super().commit(region)

    def fresh(self, count: int) -> list[int]:
        """During the layout of no importance; then a blinding at a time."""
        if not hasattr(self, "blindings"):
            return [0] * count
        return [next(self.blindings) for _ in range(count)]


MASKS = ("slots", "triples", "pads", "row", "tail", "tail mask", "tail blindings")
REGIONS = ("weight", "input", "output", "witness", "mask", "helper")


@pytest.fixture(autouse=True)
def _logarithms(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group in which every point is its logarithm."""

    def combination(points: Sequence[object], scalars: Sequence[int]) -> int:
        return sum(s * (LOG_H if p == H else 1) for p, s in zip(points, scalars, strict=True)) % P

    for module in (reference_hiding, reference_opening, reference_prover):
        monkeypatch.setattr(module, "msm", combination)
        monkeypatch.setattr(module, "encode", lambda logarithm: logarithm.to_bytes(64, "big"))
    monkeypatch.setattr(reference_prover, "tau_g2", lambda: b"")


def sizes(circuit: Circuit) -> dict[str, int]:
    prover = Prover(circuit)
    out = {name: len(values) for name, values in prover.masks.items()}
    out |= {"tail": 2 * prover.n, "tail mask": 2 * prover.n, "tail blindings": 2}
    return out | {f"{region} blindings": len(prover.rows[region]) for region in REGIONS}


def revealed(circuit: Circuit, given: dict[str, list[int]], seed: int = 1) -> Vector:
    """Everything that a proof shows, with the key's commitments."""
    prover = Proving(circuit, given, seed)
    prover.prove()
    assert prover.holds
    out = {
        (label, i): value
        for label, messages in prover.w.said.items()
        for i, value in enumerate(v for message in messages for v in message)
    }
    points = [int.from_bytes(prover.points[i], "big") for i in prover.rows["weight"]]
    return out | {("key", i): point for i, point in enumerate(points)}


def matched(
    circuit: Circuit, given: dict[str, list[int]], wanted: Vector, seed: int = 1
) -> dict[str, list[int]]:
    """These masks, with slots and triples that make columns, ends and sacrifices as wanted."""
    zeros = {**given, "slots": [0] * len(given["slots"]), "triples": [0] * len(given["triples"])}
    bare = Proving(circuit, zeros, seed)
    bare.prove()
    weight, z = 1, bare.w.drawn["z"]
    for k, coordinate in enumerate(z):
        bit = bare.position >> (len(z) - 1 - k) & 1
        weight = weight * (coordinate if bit else 1 - coordinate) % P
    (columns,), (ends,), (x,) = (
        bare.w.said["columns"],
        bare.w.said["ends"],
        bare.w.drawn["x"],
    )
    slots = [(wanted["columns", i] - v) * inv(weight) % P for i, v in enumerate(columns)]
    triples = []
    for j in range(0, len(ends), 2):
        a, b = ((wanted["ends", j + side] - ends[j + side]) % P for side in (0, 1))
        second = ((x * a - wanted["sacrifice", j]) % P, (b - wanted["sacrifice", j + 1]) % P)
        triples += [a, b, 0, *second, 0]
    return {**given, "slots": slots, "triples": triples}


def uniform(circuit: Circuit, rng: random.Random) -> dict[str, list[int]]:
    return {n: [rng.randrange(P) for _ in range(k)] for n, k in sizes(circuit).items()}


class Span:
    """A space of vectors over F, by a basis in echelon form."""

    def __init__(self, vectors: Iterable[Sequence[int]]) -> None:
        self.basis: list[tuple[int, list[int]]] = []
        for vector in vectors:
            rest = self.reduced(vector)
            pivot = next((i for i, v in enumerate(rest) if v), None)
            if pivot is not None:
                scale = inv(rest[pivot])
                self.basis.append((pivot, [v * scale % P for v in rest]))

    def reduced(self, vector: Sequence[int]) -> list[int]:
        rest = list(vector)
        for pivot, row in self.basis:
            if factor := rest[pivot]:
                rest = [(a - factor * b) % P for a, b in zip(rest, row, strict=True)]
        return rest

    def holds(self, vector: Sequence[int]) -> bool:
        return not any(self.reduced(vector))


FIRST = ((1, -2, 3, 0), (5, 6, -7, 1))
#: Another input, and other weights with another input.
OTHERS = {"input": ((-3, 2, 2, 4), FIRST[1]), "weights": ((0, 1, 1, 2), (9, -4, 3, 3))}


FREE = ("pads", "row", "tail", "tail mask", "tail blindings")
FRESH = tuple(f"{region} blindings" for region in REGIONS if region != "weight")
#: What follows from the other values revealed, by the verifier's own equations.
DETERMINED = (
    "opening evaluations: A_0(r), by check 1",
    "tail mask: s, by the check of the tail",
    "tail: its fold with g is the commitment of f",
    "opening folds: A_(c-1) has two coefficients, known from y and its evaluation",
    "opening W, by its definition",
    "opening W', by the pairing",
)


@functools.cache
def masks(seed: int) -> dict[str, list[int]]:
    """Of the proof whose challenges have this seed; blindings of weights are the key's."""
    made = uniform(small(*FIRST), random.Random(100 + seed))
    return made if seed == 1 else {**made, "weight blindings": masks(1)["weight blindings"]}


@functools.cache
def base(seed: int = 1) -> Vector:
    return revealed(small(*FIRST), masks(seed), seed)


@functools.cache
def columns_of(name: str, seed: int = 1) -> list[list[int]]:
    """What one more of each entry of a mask changes."""
    given = masks(seed)
    places = range(len(given[name]))
    if name == "row":
        places = sorted(random.Random(6).sample(places, ENTRIES))  # type: ignore[assignment]
    found = []
    for i in places:
        values = list(given[name])
        values[i] = (values[i] + 1) % P
        more = revealed(small(*FIRST), {**given, name: values}, seed)
        found.append(apart(more, base(seed)))
    return found


def apart(left: Vector, right: Vector) -> list[int]:
    assert left.keys() == right.keys()
    return [(left[name] - right[name]) % P for name in left]


@functools.cache
def difference(kind: str, seed: int = 1) -> list[int]:
    """Of the proofs of two witnesses, with equal columns, ends and sacrifices."""
    other = small(*OTHERS[kind])
    theirs = revealed(other, matched(other, masks(seed), base(seed), seed), seed)
    found = apart(theirs, base(seed))
    assert any(found)
    pairs = zip(base(seed), found, strict=True)
    assert not any(v for (label, _), v in pairs if label in CLEAR)
    return found


def test_two_witnesses_give_one_distribution() -> None:
    """Two inputs; and two keys, where the blindings of weights hide what differs."""
    span = Span(column for name in FREE + FRESH for column in columns_of(name))
    assert span.holds(difference("input"))
    assert not span.holds(difference("weights"))
    blinded = Span([row for _, row in span.basis] + columns_of("weight blindings"))
    assert blinded.holds(difference("weights"))
    shown = sum(label not in CLEAR for label, _ in base())
    print(f"{shown} values revealed, rank {len(blinded.basis)}")
    assert shown - len(blinded.basis) == len(DETERMINED)


def test_the_matrix_is_the_same_for_every_witness() -> None:
    """Affine, and no witness in it: a random change of all masks changes both proofs alike."""
    change = uniform(small(*FIRST), random.Random(8))
    changes = []
    for circuit in (small(*FIRST), small(*OTHERS["input"])):
        fitting = matched(circuit, masks(1), base())
        moved = {
            name: [(a + b) % P for a, b in zip(values, change[name], strict=True)]
            if name in FREE + FRESH
            else values
            for name, values in fitting.items()
        }
        changes.append(apart(revealed(circuit, moved), revealed(circuit, fitting)))
    assert changes[0] == changes[1]


#: Without one of these the proofs of two inputs differ.
NEEDED = ("pads", "row", "tail", "tail mask", *FRESH)


@pytest.mark.parametrize("mask", NEEDED)
def test_without_a_mask_two_witnesses_differ(mask: str) -> None:
    span = Span(c for name in FREE + FRESH if name != mask for c in columns_of(name))
    assert not span.holds(difference("input"))


def test_blindings_of_the_tail_are_covered_by_the_row() -> None:
    """M is in the last messages, so that the tail is uniform even in the exponent."""
    assert set(NEEDED) == set(FREE + FRESH) - {"tail blindings"}
    span = Span(c for name in FREE + FRESH if name != "tail blindings" for c in columns_of(name))
    assert span.holds(difference("input"))


def both(first: Sequence[int], second: Sequence[int]) -> list[int]:
    return [*first, *second]


@pytest.mark.slow
@pytest.mark.parametrize("kind", OTHERS)
def test_two_proofs_of_one_key_together(kind: str) -> None:
    """Fresh masks, and the key's blindings in both: hidden. With the same masks: not."""
    nothing = [0] * len(base())
    shared = list(map(both, columns_of("weight blindings"), columns_of("weight blindings", 2)))
    fresh, repeated = list(shared), list(shared)
    for name in FREE + FRESH:
        fresh += [both(column, nothing) for column in columns_of(name)]
        fresh += [both(nothing, column) for column in columns_of(name, 2)]
        repeated += map(both, columns_of(name), columns_of(name, 2))
    found = both(difference(kind), difference(kind, 2))
    assert Span(fresh).holds(found)
    assert not Span(repeated).holds(found)
