"""Solidity in, bytecode out: one compiler version, one set of settings, cached by content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Final

from verifai.contracts.toolchain import SOLC_VERSION, find_node, run_limited, solc_folder
from verifai.errors import MalformedError, SetupError, UnsupportedError
from verifai.home import home
from verifai.proof.codec import canonical_json, parse_canonical_json
from verifai.proof.files import replace_file
from verifai.verifier.native.keccak import keccak256


def settings(evm_version: str, runs: int, *, via_ir: bool) -> Mapping[str, Any]:
    """What the compiler is told: no metadata, so that equal sources give equal code."""
    return {
        "evmVersion": evm_version,
        "metadata": {"appendCBOR": False, "bytecodeHash": "none"},
        "optimizer": {"enabled": True, "runs": runs},
        "viaIR": via_ir,
    }


#: Optimizer on and the legacy pipeline: ezkl's contracts compile no other way. Paris, because its
#: opcodes run on every chain since 2022.
SETTINGS: Final = settings("paris", 200, via_ir=False)
#: Largest code that a chain accepts at an address (EIP-170).
MAX_CODE_BYTES: Final = 24_576
#: The largest verifier measured (23 kB of code) compiles in 2 s.
COMPILE_SECONDS: Final = 120.0
#: What the compiler tells of each contract.
_OUTPUT: Final = (
    "abi",
    "evm.bytecode.object",
    "evm.bytecode.linkReferences",
    "evm.deployedBytecode.object",
    "evm.deployedBytecode.immutableReferences",
)
#: The compiler needs 300 MB for it; WebAssembly itself ends at 4 GiB.
COMPILE_BYTES: Final = 4 << 30


@dataclass(frozen=True)
class CompiledContract:
    """What the compiler gives for one contract.

    Attributes:
        name: the contract.
        abi: its interface (the Contract ABI's JSON).
        creation: bytecode that a deployment transaction carries.
        runtime: bytecode that then lies at the address.
        source_sha256: digest of the source text.
    """

    name: str
    abi: Sequence[Mapping[str, Any]] = field(repr=False)
    creation: bytes = field(repr=False)
    runtime: bytes = field(repr=False)
    source_sha256: str

    @property
    def code_hash(self) -> str:
        """Keccak-256 of the runtime code, as EXTCODEHASH (EIP-1052) gives it: 0x and 64 digits."""
        return "0x" + keccak256(self.runtime).hex()

    @classmethod
    def of(cls, name: str, told: Mapping[str, Any], source_sha256: str) -> CompiledContract:
        """Of what the compiler told."""
        creation, runtime = (
            bytes.fromhex(told["evm"][part]["object"]) for part in ("bytecode", "deployedBytecode")
        )
        return cls(name, told["abi"], creation, runtime, source_sha256)


def compile_contract(source: str, name: str) -> CompiledContract:
    """Compile one self-contained source file and return its contract ``name``.

    Results are kept under ``home()/tools/cache``, named by source, contract and settings.

    Raises:
        MalformedError: the compiler refused the source; the message quotes it.
        UnsupportedError: the code is larger than ``MAX_CODE_BYTES`` (EIP-170), or needs linking.
        SetupError: no Node.js, no compiler, or it ran out of time or memory.
    """
    question = canonical_json(
        {"compiler": SOLC_VERSION, "settings": SETTINGS, "source": source, "name": name}
    )
    cached = home() / "tools" / "cache" / f"{hashlib.sha256(question).hexdigest()}.json"
    told = _read_cache(cached)
    if told is None:
        told = _compile(source, name)
        content = canonical_json(told)
        sealed = {"contract": told, "sha256": hashlib.sha256(content).hexdigest()}
        replace_file(cached, [canonical_json(sealed)])
    contract = CompiledContract.of(name, told, hashlib.sha256(source.encode()).hexdigest())
    if len(contract.runtime) > MAX_CODE_BYTES:
        raise UnsupportedError(
            f"The contract {name} has {len(contract.runtime):,} bytes of code; chains accept "
            f"{MAX_CODE_BYTES:,} (EIP-170).",
            hint="Use a smaller circuit: fewer operators, fewer lookup tables, shorter tensors.",
        )
    return contract


def _compile(source: str, name: str) -> dict[str, Any]:
    contracts = run_solc({f"{name}.sol": source}, SETTINGS, solc_folder())
    try:
        told = contracts[f"{name}.sol"][name]
        creation, runtime = told["evm"]["bytecode"], told["evm"]["deployedBytecode"]
    except KeyError:
        raise MalformedError(f"The source holds no contract {name}.") from None
    # With neither, the code at the address is exactly `runtime`, and its hash names the source.
    if runtime.get("immutableReferences") or creation.get("linkReferences"):
        raise UnsupportedError(f"The contract {name} has immutables or needs linking.")
    code = {"bytecode": {"object": creation["object"]}}
    code |= {"deployedBytecode": {"object": runtime["object"]}}
    return {"abi": told["abi"], "evm": code}


def run_solc(
    sources: Mapping[str, str], settings: Mapping[str, Any], folder: Path
) -> dict[str, Any]:
    """The contracts in these sources, by file and name, as the compiler installed in ``folder``
    tells of them.

    Args:
        sources: text by path.

    Raises:
        MalformedError: the compiler refused a source; the message quotes it.
        SetupError: no Node.js, or the compiler ran out of time or memory.
    """
    request = {
        "language": "Solidity",
        "sources": {path: {"content": text} for path, text in sources.items()},
        "settings": {**settings, "outputSelection": {"*": {"*": list(_OUTPUT)}}},
    }
    script = str(resources.files("verifai.contracts") / "solc" / "compile.js")
    code, output, errors = run_limited(
        [*find_node().node, script, str(folder)],
        json.dumps(request).encode(),
        COMPILE_SECONDS,
        memory_bytes=COMPILE_BYTES,
    )
    if code is None:
        raise SetupError(f"solc was stopped after COMPILE_SECONDS ({COMPILE_SECONDS:.0f} s).")
    try:
        answer = json.loads(output)
    except ValueError:
        answer = None
    if code != 0 or not isinstance(answer, dict):
        tail = errors.decode("utf-8", "replace").strip()[-500:]
        raise SetupError(
            f"{folder.name} under Node.js ended with status {code}: {tail}",
            hint=f"If it persists, delete {folder}: it is installed again.",
        )
    refused = [item for item in answer.get("errors", []) if item.get("severity") == "error"]
    if refused:
        first = str(refused[0].get("formattedMessage", refused[0].get("message", "")))
        raise MalformedError(
            f"{folder.name} refused {next(iter(sources))} with {len(refused)} errors, the first: "
            f"{first.strip()[:2000]}"
        )
    return dict(answer.get("contracts", {}))


def _read_cache(path: Path) -> dict[str, Any] | None:
    """What the compiler told, or None if it is not there or was damaged."""
    try:
        sealed = parse_canonical_json(path.read_bytes())
        told: dict[str, Any] = sealed["contract"]
        CompiledContract.of("", told, "")
        return (
            told if hashlib.sha256(canonical_json(told)).hexdigest() == sealed["sha256"] else None
        )
    except (OSError, MalformedError, KeyError, TypeError, ValueError):
        return None
