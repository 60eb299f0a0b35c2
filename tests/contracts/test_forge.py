"""Foundry's unit, fuzz and invariant tests of the contract set, and its gas snapshot."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.contracts import foundry
from verifai.errors import SetupError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Foundry project; compiled once, by the first command."""
    folder = tmp_path_factory.mktemp("forge")
    try:
        foundry.forge_binary()
        foundry.make_project(folder)
    except SetupError as fault:
        pytest.skip(f"forge comes from npm, which cannot be reached: {fault.message}")
    return folder


def test_foundry(project):
    done = foundry.run_forge(project, "test")
    assert done.returncode == 0, done.stdout + done.stderr
    passed, failed, skipped = map(
        int,
        re.search(
            r"(\d+) tests passed, (\d+) failed, (\d+) skipped \(\d+ total", done.stdout
        ).groups(),
    )
    # As many as the files declare: a file that is not found tests nothing.
    declared = sum(
        len(re.findall(r"function (?:test|invariant_)\w+\(", path.read_text()))
        for path in (foundry.FORGE / "test").glob("*.t.sol")
    )
    assert (passed, failed, skipped) == (declared, 0, 0)


def test_gas(project):
    done = foundry.run_forge(project, *foundry.GAS, "--check", str(foundry.SNAPSHOT))
    assert done.returncode == 0, (
        f"{done.stdout}{done.stderr}\nIf it is meant: python tests/contracts/foundry.py snapshot"
    )
