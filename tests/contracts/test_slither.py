"""Static analysis: every finding is mended or explained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.contracts import analysis
from tests.contracts.analysis import Finding
from verifai.errors import SetupError


@pytest.mark.slow
def test_every_finding_is_explained(tmp_path: Path) -> None:
    try:
        found = analysis.findings(tmp_path)
    except SetupError as fault:
        pytest.skip(f"slither and forge come from PyPI and npm: {fault.message}")
    assert len(found) > 20
    assert analysis.unexplained(found) == ([], [])


def test_what_is_not_explained_is_told() -> None:
    rows = json.loads(analysis.EXPLAINED.read_text("utf-8"))
    assert all(set(row) == {"detector", "where", "why"} and row["why"] for row in rows)
    known = Finding("timestamp", "JobMarket.post", "uses block.timestamp")
    strange = Finding("reentrancy-eth", "JobMarket.post", "sends before it writes")
    left, stale = analysis.unexplained([known, strange])
    assert left == [strange]
    assert len(stale) == len(rows) - 1
