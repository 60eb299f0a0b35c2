"""Tests declare what they need, and what they declare is what they take."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import needs

pytestmark = pytest.mark.unit
ROOT = Path(__file__).parents[2]


def test_the_tiers_together_are_everything(request: pytest.FixtureRequest) -> None:
    """Nothing that was collected is without a kind, and a unit test is of no other."""
    collected = request.config.stash[needs.COLLECTED]
    assert not [test for test, kinds in collected.items() if not kinds]
    assert not [test for test, kinds in collected.items() if "unit" in kinds and len(kinds) > 1]


def test_places_with_needs_exist() -> None:
    assert all((ROOT / "tests" / place).exists() for place in needs.NEEDS)
    assert {kind for kinds in needs.NEEDS.values() for kind in kinds.split()} <= set(needs.KINDS)


def test_the_quick_tests_of_a_room_leave_out_marks_that_there_are() -> None:
    (quick,) = re.findall(r"^QUICK := not \((.*)\)", (ROOT / "Makefile").read_text(), re.M)
    assert set(quick.split(" or ")) <= {*needs.KINDS, "slow"}


@pytest.mark.parametrize(
    ("code", "taken"),
    [
        ("import json", set()),
        ("import colorsys", {"model"}),
        ("def later():\n    import colorsys\nlater()", {"model"}),
        ("import os\nos.fork() or os._exit(0)", {"process"}),
        ("import subprocess\nsubprocess.run(['true'])", {"process"}),
        ("import subprocess\nsubprocess.run(['true', 'anvil'])", {"node"}),
        ("import verifai._native as n\ntry: n.Prover()\nexcept TypeError: pass", {"proof"}),
    ],
)
def test_what_is_taken_is_seen(code: str, taken: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "HEAVY", ("colorsys",))  # quick to import
    with needs.watched() as found:
        exec(code, {})
    assert found == taken


def test_what_is_not_declared_fails(request: pytest.FixtureRequest) -> None:
    needs._judged(request.node, set(), 0.0)
    for taken, seconds in (({"proof"}, 0.0), (set(), 2 * needs.TOO_LONG)):
        with pytest.raises(pytest.fail.Exception):
            needs._judged(request.node, taken, seconds)
