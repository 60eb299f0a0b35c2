"""The shipped contracts that build on OpenZeppelin: their sources, gathered and compiled.

Only who changes a contract needs this; what ships are the artefacts it makes.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from verifai.contracts.solidity import MAX_CODE_BYTES, CompiledContract, run_solc, settings
from verifai.contracts.toolchain import npm_install
from verifai.errors import InternalError, MalformedError
from verifai.home import home
from verifai.proof.codec import canonical_json

#: Versions pinned in ``solc/contracts/package-lock.json``.
COMPILER: Final = "0.8.37"
OPENZEPPELIN: Final = "5.7.0"
#: Cancun, because newer opcodes do not run on every chain; the IR pipeline, for structures in
#: calldata. That equal sources give equal code makes addresses equal.
SETTINGS: Final = settings("cancun", 1_000_000, via_ir=True)
#: The universal verifier, and the contracts around it.
NAMES: Final = (
    "NativeVerifier",
    "VerifierRouter",
    "NativeProofRegistry",
    "ModelRegistry",
    "JobMarket",
)
#: Those without immutables: the hash of their code names them at any address.
FIXED: Final = ("NativeVerifier",)

_IMPORT: Final = re.compile(r'^\s*import\s+(?:[^"\';]*\bfrom\s+)?"([^"]+)"\s*;', re.MULTILINE)


def openzeppelin_folder() -> Path:
    """The folder with this compiler and OpenZeppelin, installed on first use.

    Raises:
        SetupError: Node.js is missing, or npm could not install.
    """
    return npm_install(
        Path(str(resources.files("verifai.contracts") / "solc" / "contracts")),
        home() / "tools" / f"contracts-{COMPILER}-{OPENZEPPELIN}",
        f"the Solidity compiler {COMPILER} and OpenZeppelin {OPENZEPPELIN}",
    )


def closure(name: str, folder: Path, packages: Path) -> dict[str, str]:
    """A contract's source and all it imports: text by path, as the compiler names them.

    Args:
        name: the contract; its file is ``<name>.sol``.
        folder: where our sources are.
        packages: ``node_modules``, for imports that begin with ``@``.

    Raises:
        MalformedError: a source is missing.
    """
    found: dict[str, str] = {}
    waiting = [f"{name}.sol"]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        try:
            text = ((packages if path.startswith("@") else folder) / path).read_text("utf-8")
        except OSError as error:
            raise MalformedError(f"Cannot read the source {path}: {error.strerror}.") from None
        found[path] = text
        for target in _IMPORT.findall(text):
            near = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
            waiting.append(near if target.startswith(".") else target)
    return dict(sorted(found.items()))


def compile_shipped(name: str, folder: Path) -> CompiledContract:
    """Compile the contract ``name`` of :data:`NAMES` from the sources in ``folder``.

    ``source_sha256`` covers all its sources, OpenZeppelin's included. The code at an address
    differs from ``runtime`` where the contract has immutables.

    Raises:
        MalformedError: a source is missing, or the compiler refused one.
        SetupError: no Node.js, no compiler, or it ran out of time or memory.
    """
    packages = openzeppelin_folder() / "node_modules"
    sources = {one: closure(one, folder, packages) for one in NAMES}
    everything = {path: text for texts in sources.values() for path, text in texts.items()}
    told = _compile_all(tuple(sorted(everything.items())))[f"{name}.sol"][name]
    contract = CompiledContract.of(
        name, told, hashlib.sha256(canonical_json(sources[name])).hexdigest()
    )
    if len(contract.runtime) > MAX_CODE_BYTES:
        raise InternalError(f"{name} has {len(contract.runtime):,} bytes of code (EIP-170).")
    return contract


@cache
def _compile_all(sources: tuple[tuple[str, str], ...]) -> Mapping[str, Any]:
    """All contracts in one run: they share most of their sources."""
    return run_solc(dict(sources), SETTINGS, openzeppelin_folder())
