"""Foundry over the shipped contracts: ``python tests/contracts/foundry.py [test|snapshot]``.

``forge`` and the compiler come from npm, pinned; nothing else is downloaded.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory

from verifai.contracts.build import CONTRACTS
from verifai.contracts.sources import COMPILER, NAMES, closure, openzeppelin_folder
from verifai.contracts.toolchain import find_node, npm_install
from verifai.home import home

FORGE = Path(__file__).parent / "forge"
SNAPSHOT = FORGE / "gas.snapshot"
#: Fuzzing and invariants included; compilation, by a compiler in WebAssembly, is half of it.
SECONDS = 900


def forge_binary() -> Path:
    """Foundry's test runner, installed on first use. Raises SetupError without npm."""
    folder = npm_install(FORGE, home() / "tools" / "forge-1.7.1", "forge")
    binary = folder / "node_modules" / "@foundry-rs" / "forge-linux-amd64" / "bin" / "forge"
    binary.chmod(0o755)
    return binary


def make_project(folder: Path) -> None:
    """A Foundry project of the shipped sources and the tests beside this file."""
    packages = openzeppelin_folder() / "node_modules"
    script = str(resources.files("verifai.contracts") / "solc" / "compile.js")
    shim = folder / "solc"
    # forge wants a native solc: a banner with a version, and standard JSON on standard input.
    node = " ".join(f'"{part}"' for part in find_node().node)
    shim.write_text(
        "#!/bin/sh\n"
        'case "$*" in *--version*)\n'
        f'  printf "solc, the solidity compiler\\nVersion: {COMPILER}+commit.00000000.Linux\\n"\n'
        "  exit 0;; esac\n"
        f'exec {node} "{script}" "{packages.parent}"\n'
    )
    shim.chmod(0o755)
    shutil.copytree(FORGE / "test", folder / "test")
    sources = {path for name in NAMES for path in closure(name, CONTRACTS, packages)}
    for source in sources:
        if not source.startswith("@"):
            copy = folder / "src" / source
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(CONTRACTS / source, copy)
    settings = (FORGE / "foundry.toml").read_text()
    settings = settings.replace('"SOLC"', f'"{shim}"').replace("PACKAGES", str(packages))
    (folder / "foundry.toml").write_text(settings)


def run_forge(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """forge in ``folder``; its output is text."""
    return subprocess.run(
        [str(forge_binary()), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


#: Gas of the paths that people pay for, in a test contract of their own, without fuzzing.
GAS = ("snapshot", "--match-contract", "GasTest")


def main(command: str = "test") -> int:
    """Run the tests, or write the gas snapshot anew."""
    with TemporaryDirectory() as name:
        make_project(Path(name))
        arguments = (*GAS, "--snap", str(SNAPSHOT)) if command == "snapshot" else ("test",)
        done = run_forge(Path(name), *arguments)
        print(done.stdout, done.stderr, sep="\n")
        return done.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
