"""The fields cover the proof, and the ways cover the fields."""

from __future__ import annotations

import pytest

from tests.hostile.fields import Field, gaps, proof_fields, statement_fields
from tests.hostile.plan import WAYS, Attempt, attempts, fingerprint, pairs
from tests.hostile.scene import Scene
from tests.hostile.targets import target
from tests.soundness.proofs import JUDGED, case
from tests.soundness.test_transcript_inventory import messages

pytest.importorskip("verifai._native", reason="the Rust core is not built")


@pytest.mark.parametrize("hiding", [False, True])
@pytest.mark.parametrize("name", JUDGED)
def test_every_byte_belongs_to_one_field(name: str, hiding: bool) -> None:
    claim = case(name, hiding=hiding).claim
    fields = proof_fields(claim)
    assert gaps(fields, len(claim.proof)) == []
    assert len({str(f) for f in fields}) == len(fields)
    for part in ("words", "context", "commitments", "tau_g2"):
        mine = [f for f in statement_fields(claim) if f.part == part]
        assert gaps(mine, len(getattr(claim, part))) == []


def test_the_fields_are_those_of_the_transcript() -> None:
    """The inventory, which another test pins, has the same messages of the same lengths."""
    claim = case("mlp", hiding=True).claim
    found: dict[tuple[str, int], tuple[str, int, int]] = {}
    for field in proof_fields(claim):
        label, start, size = found.get((field.label, field.message), (field.label, field.start, 0))
        found[field.label, field.message] = (label, start, size + field.size)
    assert list(found.values()) == messages(claim)


def test_a_gap_is_found() -> None:
    fields = [Field("proof", "a", 0, 0, "scalar", 0, 2), Field("proof", "b", 0, 0, "scalar", 3, 2)]
    assert gaps(fields, 5) == [2]
    assert gaps([*fields, fields[0]], 6) == [0, 1, 2, 5]


@pytest.fixture(scope="module")
def scene() -> Scene:
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    return Scene(target("digits"))


def uncovered(scene: Scene, tried: list[Attempt]) -> set[str]:
    """Labels that no attempt changes."""
    return {f.label for f in scene.fields} - {attempt.field.label for attempt in tried}


def test_every_field_has_ways_that_change_it(scene: Scene) -> None:
    kinds = {}
    for _, field in pairs(scene):
        kinds[str(field)] = kinds.get(str(field), 0) + 1
    assert set(kinds) == {str(field) for field in scene.fields}
    proof = [kinds[str(f)] for f in scene.fields if f.part == "proof"]
    assert min(proof) >= 30


def test_a_label_without_ways_is_noticed(scene: Scene) -> None:
    """A message that somebody adds to the protocol is a field here; it needs ways."""
    added = Field("proof", "new message", 0, 0, "unheard of", 0, 0)
    tried = list(attempts(scene, 400))
    assert uncovered(scene, tried) == set()
    scene.fields.append(added)
    try:
        ways = [way for way in WAYS if way.kinds]
        assert all(field is not added for _, field in pairs(scene, ways))
        assert uncovered(scene, tried) == {"new message"}
    finally:
        scene.fields.remove(added)


def test_names_of_ways_are_distinct() -> None:
    names = [way.name for way in WAYS]
    assert len(set(names)) == len(names) >= 90


def test_attempts_differ_and_follow_from_the_seed(scene: Scene) -> None:
    first, again = (list(attempts(scene, 300, seed=1)) for _ in range(2))
    other = list(attempts(scene, 300, seed=2))
    marks = [fingerprint(a.claim) for a in first]
    assert len(set(marks)) == len(marks) == 300
    assert marks == [fingerprint(a.claim) for a in again]
    assert len(set(marks) & {fingerprint(a.claim) for a in other}) < 100
    honest = {fingerprint(claim) for claim in scene.true}
    assert not honest & set(marks)
