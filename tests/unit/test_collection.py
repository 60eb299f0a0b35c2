"""Collecting tests is quick, and whoever runs some of them does not pay for all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.needs import HEAVY

ROOT = Path(__file__).parents[2]
#: Those that run models and proofs, and those that speak to a chain.
PACKAGES = {*HEAVY, "web3", "eth", "eth_abi", "eth_account", "eth_tester"}
#: Collects all tests and prints the first place in this repository that imports each package named.
SCRIPT = """
import contextlib, io, sys, traceback
import pytest

root, *packages = sys.argv[1:]
found = {}

def imported(event, arguments):
    if event == "import" and (name := arguments[0].partition(".")[0]) in packages:
        ours = [one for one in traceback.extract_stack() if one.filename.startswith(root)]
        found.setdefault(name, f"{name}: {ours[-1].filename}:{ours[-1].lineno}" if ours else name)

sys.addaudithook(imported)
with contextlib.redirect_stdout(io.StringIO()) as said:
    code = pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", "--assert=plain"])
print(*found.values(), sep="\\n", end="")
sys.exit(said.getvalue() if code else 0)
"""


def test_collecting_all_tests_imports_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, f"{ROOT}/tests", *sorted(PACKAGES)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (done.stdout.splitlines(), done.stderr) == ([], "")
