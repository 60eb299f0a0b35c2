"""Static analysis of the shipped contracts: ``python -m tests.contracts.analysis``.

Slither finds patterns, not faults. Each finding is mended or explained in
``slither/findings.json``; one that is neither fails, and so does an explanation without a finding.
The tool lives in an environment of its own, from a lock file: it is no dependency of the project.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.contracts import foundry
from verifai.contracts.build import CONTRACTS
from verifai.errors import SetupError
from verifai.home import home

FOLDER = Path(__file__).parent / "slither"
LOCK = FOLDER / "requirements.lock"
EXPLAINED = FOLDER / "findings.json"
#: Installation, and analysis: half of it is compilation by a compiler in WebAssembly.
SECONDS = 600


@dataclass(frozen=True)
class Finding:
    """What slither says of one place.

    Attributes:
        detector: its name for the pattern.
        where: ``Contract.function``, or the name alone of what is outside contracts.
        text: its description.
    """

    detector: str
    where: str
    text: str

    @classmethod
    def of(cls, value: Any) -> Finding:
        """From slither's JSON. A local variable is named by the function that holds it."""
        place = value["elements"][0]
        path = [place["name"]]
        while place := (place.get("type_specific_fields") or {}).get("parent"):
            if place["type"] in ("contract", "function"):
                path.insert(0, place["name"])
        return cls(value["check"], ".".join(path), " ".join(value["description"].split()))

    def __str__(self) -> str:
        return f"{self.detector} at {self.where}: {self.text}"


def tool() -> Path:
    """The analyser, installed on first use.

    Raises:
        SetupError: PyPI cannot be reached.
    """
    target = home() / "tools" / "slither-0.11.6"
    program = target / "bin" / "slither"
    if not program.is_file():
        shutil.rmtree(target, ignore_errors=True)
        venv.create(target, with_pip=True)
        install = ["-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(LOCK)]
        done = run([str(target / "bin" / "python"), *install], target)
        if done.returncode != 0:
            shutil.rmtree(target, ignore_errors=True)
            raise SetupError(f"pip could not install slither: {done.stderr[-300:]}")
    return program


def findings(folder: Path) -> list[Finding]:
    """What slither finds in all shipped contracts; OpenZeppelin's own are left out.

    Args:
        folder: an empty folder to work in.
    """
    program, forge = tool(), foundry.forge_binary()
    foundry.make_project(folder)
    shutil.rmtree(folder / "test")
    # pinned to an older compiler because ezkl's verifiers are; one compiler analyses all
    registry = (CONTRACTS / "ProofRegistry.sol").read_text("utf-8")
    loose = registry.replace("pragma solidity 0.8.20;", "pragma solidity ^0.8.20;")
    (folder / "src" / "ProofRegistry.sol").write_text(loose, "utf-8")
    path = os.pathsep.join([str(forge.parent), str(program.parent), os.environ["PATH"]])
    command = [str(program), ".", "--json", "found.json", "--filter-paths", "node_modules"]
    done = run(command, folder, {**os.environ, "PATH": path})
    answer = folder / "found.json"
    if not answer.is_file():
        raise RuntimeError(f"slither failed: {done.stderr[-2000:]}")
    told = json.loads(answer.read_text("utf-8"))
    if not told["success"]:
        raise RuntimeError(f"slither failed: {told['error']}")
    return [Finding.of(value) for value in told["results"]["detectors"]]


def unexplained(found: list[Finding]) -> tuple[list[Finding], list[str]]:
    """Findings without an explanation, and explanations without a finding."""
    rows = json.loads(EXPLAINED.read_text("utf-8"))
    used: set[int] = set()
    left = []
    for finding in found:
        matching = {
            number
            for number, row in enumerate(rows)
            if row["detector"] == finding.detector
            and any(fnmatchcase(finding.where, place) for place in row["where"])
        }
        used |= matching
        if not matching:
            left.append(finding)
    return left, [
        f"{row['detector']}: {row['where']}"
        for number, row in enumerate(rows)
        if number not in used
    ]


def run(
    command: list[str], folder: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def main() -> int:
    """Print what is left to do; the exit status says whether anything is."""
    with TemporaryDirectory() as name:
        found = findings(Path(name))
    left, stale = unexplained(found)
    print(f"{len(found)} findings, {len(found) - len(left)} explained")
    print(*left, *(f"explained, but not found: {row}" for row in stale), sep="\n")
    return 1 if left or stale else 0


if __name__ == "__main__":
    sys.exit(main())
