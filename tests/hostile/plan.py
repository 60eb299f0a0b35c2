"""Which mutants are tried: every way on every label, then on every field, then more by chance."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass

from tests.hostile import statements, structure, values
from tests.hostile.fields import Field
from tests.hostile.scene import Scene, Try, Way
from tests.soundness.proofs import Claim

#: Every way to attack, in the order of the figures.
WAYS = (*values.rows(), *structure.rows(), *statements.rows())


#: Attempts on each label before anything else: some ways do not change what they are given.
LABEL_TRIES = 5
#: And on each field.
FIELD_TRIES = 3


@dataclass(frozen=True)
class Attempt:
    """One mutant."""

    target: str
    circuit: str
    way: Way
    field: Field
    claim: Claim

    def __str__(self) -> str:
        return f"{self.target}: {self.way.name} at {self.field}"


def pairs(scene: Scene, ways: Sequence[Way] = WAYS) -> list[tuple[Way, Field]]:
    """All fields that each way changes."""
    return [(way, field) for way in ways for field in scene.fields if way.applies(field)]


def ordered(scene: Scene, rng: random.Random) -> list[tuple[Way, Field]]:
    """The pairs: first each way once and each label a few times, then each on each, then each field
    a few times, then all."""
    every = pairs(scene)
    rng.shuffle(every)
    seen: Counter[object] = Counter()

    def rank(pair: tuple[Way, Field]) -> int:
        way, field = pair
        both = (way.name, field.label)
        new = not seen[way.name] or seen[field.label] < LABEL_TRIES
        rare = seen[field] < FIELD_TRIES
        level = 0 if new else 1 if not seen[both] else 2 if rare else 3
        seen.update((way.name, field.label, both, field))
        return level

    return [pair for _, pair in sorted([(rank(p), p) for p in every], key=lambda entry: entry[0])]


def fingerprint(claim: Claim) -> bytes:
    """A digest of all that a verifier is given."""
    state = hashlib.blake2b(digest_size=16)
    for part in astuple(claim):
        data = part if isinstance(part, bytes) else str(part).encode()
        state.update(len(data).to_bytes(8, "big") + data)
    return state.digest()


def attempts(scene: Scene, count: int, seed: int = 0) -> Iterator[Attempt]:
    """``count`` different mutants of one target, none of which is a true claim."""
    rng = random.Random(f"{scene.target.name} {seed}")
    systematic = ordered(scene, rng)
    by_way: dict[str, list[tuple[Way, Field]]] = {}
    for pair in systematic:
        by_way.setdefault(pair[0].name, []).append(pair)
    choices = list(by_way.values())
    tried = {fingerprint(claim) for claim in scene.true}
    made = 0
    for number in range(100 * count + len(systematic)):
        if made == count:
            return
        more = number >= len(systematic)
        way, field = rng.choice(rng.choice(choices)) if more else systematic[number]
        claim = way.change(Try(scene, field, rng))
        if claim is None or (mark := fingerprint(claim)) in tried:
            continue
        tried.add(mark)
        made += 1
        yield Attempt(scene.target.name, scene.target.circuit, way, field, claim)
    raise AssertionError(f"only {made} different mutants of {scene.target.name}")
