"""Make the contract artefacts that ship with the package, or check that they are what they say.

::

    python -m verifai.contracts.build            # write contracts/*.json
    python -m verifai.contracts.build --check    # recompile and compare byte for byte
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from verifai.contracts import sources
from verifai.contracts.solidity import SETTINGS, compile_contract
from verifai.contracts.toolchain import SOLC_VERSION
from verifai.errors import MalformedError, VerifaiError
from verifai.proof.files import replace_file

CONTRACTS: Final = Path(__file__).parent / "src"
NAMES: Final = ("ProofRegistry", *sources.NAMES)


def artefact_text(name: str) -> str:
    """The artefact of a contract, from its source: JSON, sorted keys, one trailing newline."""
    if name in sources.NAMES:
        contract = sources.compile_shipped(name, CONTRACTS)
        version, settings = sources.COMPILER, sources.SETTINGS
    else:
        contract = compile_contract((CONTRACTS / f"{name}.sol").read_text("utf-8"), name)
        version, settings = SOLC_VERSION, SETTINGS
    value: dict[str, Any] = {
        "contract": name,
        "compiler": {"name": "solc", "version": version, "settings": settings},
        "sourceSha256": contract.source_sha256,
        "abi": contract.abi,
        "bytecode": "0x" + contract.creation.hex(),
    }
    # code with immutables is named by its address (CREATE2)
    if name not in sources.NAMES or name in sources.FIXED:
        value["deployedCodeHash"] = contract.code_hash
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=True) + "\n"


def check(name: str) -> None:
    """Compare the shipped artefact with one made from the source now.

    Raises:
        MalformedError: they differ.
    """
    path = CONTRACTS / f"{name}.json"
    if not path.is_file() or path.read_text("ascii") != artefact_text(name):
        raise MalformedError(
            f"{path.name} is not what {name}.sol compiles to.",
            hint="python -m verifai.contracts.build writes it anew.",
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m verifai.contracts.build", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args(arguments)
    try:
        for name in NAMES:
            if options.check:
                check(name)
            else:
                replace_file(CONTRACTS / f"{name}.json", [artefact_text(name).encode("ascii")])
    except VerifaiError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
