"""Policies are read strictly: a demand that is not understood must not count as met."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from verifai.audit import Policy, Report
from verifai.audit.policy import MAX_POLICY_BYTES
from verifai.audit.report import MAX_REPORT_BYTES
from verifai.errors import LimitError, MalformedError


def test_json(tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps({"srs": ["ceremony"], "minimum_proofs": 1}))
    policy = Policy.load(path)
    assert policy == Policy(srs=("ceremony",), minimum_proofs=1)
    path.write_text(json.dumps(policy.to_json()))
    assert Policy.load(path) == policy


@pytest.mark.parametrize(
    "text",
    [
        '{"srss": []}',
        '{"srs": ["magic"]}',
        '{"srs": "ceremony"}',
        '{"srs": [["ceremony"]]}',
        '{"backends": ["halo3"]}',
        '{"models": ["xyz"]}',
        '{"models": {}}',
        '{"required_models": [7]}',
        '{"zero_knowledge": 1}',
        '{"minimum_proofs": -1}',
        '{"minimum_proofs": null}',
        '{"minimum_proofs": true}',
        '{"maximum_age_seconds": 1.5}',
        '{"matching_contract": null}',
        "[]",
        "{",
        "[" * 100_000,
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "policy.json"
    path.write_text(text)
    with pytest.raises(MalformedError):
        Policy.load(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedError):
        Policy.load(tmp_path / "missing.toml")


@pytest.mark.parametrize(
    ("read", "limit"), [(Policy.load, MAX_POLICY_BYTES), (Report.load, MAX_REPORT_BYTES)]
)
def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path, read: Any, limit: int) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(limit + 1)
    with pytest.raises(LimitError, match=f"the limit is MAX_.*{int(limit)}"):
        read(path)


def test_toml_may_hold_comments(tmp_path: Path) -> None:
    pytest.importorskip("tomllib")
    path = tmp_path / "policy.toml"
    path.write_text("# only real ceremonies\nsrs = ['ceremony']\nzero_knowledge = true\n")
    assert Policy.load(path) == Policy(srs=("ceremony",), zero_knowledge=True)
    path.write_text("[srs]\nkind = 'ceremony'\n")
    with pytest.raises(MalformedError):
        Policy.load(path)
