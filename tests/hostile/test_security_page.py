"""The page says what was measured, and what was measured meets the goals."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.hostile.page import CIRCUITS, FIGURES, GROUPS, PAGE, page
from tests.hostile.plan import WAYS
from tests.hostile.recomputed import ADAPTIVE, FROZEN


@pytest.fixture(scope="module")
def figures() -> Any:
    return json.loads(FIGURES.read_text(encoding="utf-8"))


def test_the_page_is_made_of_the_figures(figures: Any) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(figures)


def test_enough_was_tried_and_nothing_accepted(figures: Any) -> None:
    mutants = figures["mutants"]
    assert mutants["tried"] >= 100_000
    assert mutants["judged_twice"] >= 2_000
    assert mutants["recomputed"] >= 300
    for bad in ("accepted", "crashes", "hangs", "disagreements"):
        assert mutants[bad] == 0
    assert mutants["details"] == []
    for other in ("bundles", "sizes"):
        assert figures[other]["accepted"] == 0
        assert figures[other]["tried"] >= 30
    assert figures["sizes"]["crashes"] == 0


def test_the_counts_add_up(figures: Any) -> None:
    mutants, rows = figures["mutants"], figures["circuits"].values()
    assert sum(row["tried"] for row in rows) == mutants["tried"]
    assert sum(sum(ways.values()) for ways in mutants["ways"].values()) == mutants["tried"]


def test_every_circuit_field_and_way_was_tried(figures: Any) -> None:
    rows = figures["circuits"].values()
    assert {row["circuit"] for row in rows} == set(CIRCUITS)
    assert {row["hiding"] for row in rows} == {True, False}
    for row in rows:
        assert row["fields_changed"] == row["fields"]
        assert row["tried"] >= 5_000
    tried = {(group, way) for group, ways in figures["mutants"]["ways"].items() for way in ways}
    assert tried == {(way.group, way.name) for way in (*WAYS, *ADAPTIVE, FROZEN)}
    assert {group for group, _ in tried} == set(GROUPS)


def test_a_hostile_proof_costs_no_more_than_an_honest_one(figures: Any) -> None:
    """Recorded times, of one machine: four times leaves room for what else it did."""
    for row in figures["circuits"].values():
        assert row["slowest_ms"] <= 4 * row["honest_ms"], row["slowest"]
    assert figures["sizes"]["slowest_ms"] <= 5 * figures["sizes"]["honest_ms"]


def test_the_other_suites_notice_everything(figures: Any) -> None:
    constraints, verifier = figures["constraints"], figures["verifier"]
    assert constraints["noticed"] + constraints["redundant"] == constraints["removed"] >= 80
    assert verifier["claims_noticed"] == verifier["claims"] >= 20
    assert verifier["checks_noticed"] == verifier["checks"] >= 4
    operations = figures["operations"]
    assert set(operations["lied_about"]) >= set(operations["committed"])
    if figures["fuzzing"] is not None:
        assert figures["fuzzing"]["crashes"] == 0


def test_no_audit_believed_a_lie(figures: Any) -> None:
    audits = figures["audits"]
    assert (audits["wrong"], audits["believed"]) == (0, 0)
    assert audits["combinations"] >= audits["recorded"] >= 50
    assert sum(audits["lies"].values()) >= 1_000


def test_an_accepted_mutant_would_be_on_the_page(figures: Any) -> None:
    worse = json.loads(json.dumps(figures))
    worse["mutants"]["accepted"] = 7
    assert "It accepted 7" in page(worse)
