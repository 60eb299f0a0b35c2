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
from verifai.errors import EnvironmentFault, InternalError, MalformedError, UnsupportedError
from verifai.home import home
from verifai.proof.codec import canonical_json, parse_canonical_json
from verifai.proof.files import replace_file
from verifai.verifier.native.keccak import keccak256

#: Optimizer on and the legacy pipeline: ezkl's contracts compile no other way. Paris, because its
#: opcodes run on every chain since 2022. No metadata, so that equal sources give equal code.
SETTINGS: Final[Mapping[str, Any]] = {
    "evmVersion": "paris",
    "metadata": {"appendCBOR": False, "bytecodeHash": "none"},
    "optimizer": {"enabled": True, "runs": 200},
    "viaIR": False,
}
#: Largest code that a chain accepts at an address (EIP-170).
MAX_CODE_BYTES: Final = 24_576
#: The largest verifier measured (23 kB of code) compiles in 2 s.
COMPILE_SECONDS: Final = 120.0
#: The compiler needs 300 MB for it; WebAssembly itself ends at 4 GiB.
COMPILE_BYTES: Final = 4 << 30


@dataclass(frozen=True, repr=False)
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

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "abi": list(self.abi),
            "creation": "0x" + self.creation.hex(),
            "runtime": "0x" + self.runtime.hex(),
            "source_sha256": self.source_sha256,
        }

    @classmethod
    def from_json(cls, value: Any) -> CompiledContract:
        return cls(
            value["name"],
            value["abi"],
            bytes.fromhex(value["creation"][2:]),
            bytes.fromhex(value["runtime"][2:]),
            value["source_sha256"],
        )

    def __repr__(self) -> str:
        return f"CompiledContract({self.name}, {len(self.runtime):,} bytes of code)"


def compile_contract(source: str, name: str) -> CompiledContract:
    """Compile one self-contained source file and return its contract ``name``.

    Results are kept under ``home()/tools/cache``, named by source, contract and settings.

    Raises:
        MalformedError: the compiler refused the source; the message quotes it.
        UnsupportedError: the code is larger than ``MAX_CODE_BYTES`` (EIP-170), or needs linking.
        EnvironmentFault: no Node.js, no compiler, or it ran out of time or memory.
    """
    question = canonical_json(
        {"compiler": SOLC_VERSION, "settings": SETTINGS, "source": source, "name": name}
    )
    cached = home() / "tools" / "cache" / f"{hashlib.sha256(question).hexdigest()}.json"
    contract = _read_cache(cached)
    if contract is None:
        contract = _compile(source, name)
        _write_cache(cached, contract)
    if len(contract.runtime) > MAX_CODE_BYTES:
        raise UnsupportedError(
            f"The contract {name} has {len(contract.runtime):,} bytes of code; chains accept "
            f"{MAX_CODE_BYTES:,} (EIP-170).",
            hint="Use a smaller circuit: fewer operators, fewer lookup tables, shorter tensors.",
        )
    return contract


def _compile(source: str, name: str) -> CompiledContract:
    output = ["abi", "evm.bytecode", "evm.deployedBytecode"]
    request = {
        "language": "Solidity",
        "sources": {f"{name}.sol": {"content": source}},
        "settings": {**SETTINGS, "outputSelection": {"*": {"*": output}}},
    }
    answer = _solc(request)
    errors = [item for item in answer.get("errors", []) if item.get("severity") == "error"]
    if errors:
        first = str(errors[0].get("formattedMessage", errors[0].get("message", "")))
        raise MalformedError(
            f"solc {SOLC_VERSION} refused {name} with {len(errors)} errors, the first: "
            f"{first.strip()[:2000]}"
        )
    try:
        contract = answer["contracts"][f"{name}.sol"][name]
        creation, runtime = contract["evm"]["bytecode"], contract["evm"]["deployedBytecode"]
    except KeyError:
        raise MalformedError(f"The source holds no contract {name}.") from None
    # With neither, the code at the address is exactly `runtime`, and its hash names the source.
    if runtime.get("immutableReferences") or creation.get("linkReferences"):
        raise UnsupportedError(f"The contract {name} has immutables or needs linking.")
    return CompiledContract(
        name,
        contract["abi"],
        bytes.fromhex(creation["object"]),
        bytes.fromhex(runtime["object"]),
        hashlib.sha256(source.encode()).hexdigest(),
    )


def _solc(request: Mapping[str, Any]) -> dict[str, Any]:
    return run_solc(request, solc_folder())


def run_solc(request: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The answer of the compiler installed in ``folder`` to a standard-JSON request.

    Raises:
        EnvironmentFault: no Node.js, or the compiler ran out of time or memory.
    """
    script = str(resources.files("verifai.contracts") / "solc" / "compile.js")
    code, output, errors = run_limited(
        [*find_node().node, script, str(folder)],
        json.dumps(request).encode(),
        COMPILE_SECONDS,
        memory_bytes=COMPILE_BYTES,
    )
    if code is None:
        raise EnvironmentFault(f"solc was stopped after COMPILE_SECONDS ({COMPILE_SECONDS:.0f} s).")
    try:
        answer = json.loads(output)
    except ValueError:
        answer = None
    if code != 0 or not isinstance(answer, dict):
        tail = errors.decode("utf-8", "replace").strip()[-500:]
        raise EnvironmentFault(
            f"{folder.name} under Node.js ended with status {code}: {tail}",
            hint=f"If it persists, delete {folder}: it is installed again.",
        )
    return answer


def _read_cache(path: Path) -> CompiledContract | None:
    """The cached contract, or None if there is none or it was damaged."""
    try:
        envelope = parse_canonical_json(path.read_bytes())
        content = canonical_json(envelope["contract"])
        if hashlib.sha256(content).hexdigest() != envelope["sha256"]:
            return None
        return CompiledContract.from_json(envelope["contract"])
    except (OSError, MalformedError, KeyError, TypeError, ValueError):
        return None


def _write_cache(path: Path, contract: CompiledContract) -> None:
    content = contract.to_json()
    digest = hashlib.sha256(canonical_json(content)).hexdigest()
    replace_file(path, [canonical_json({"contract": content, "sha256": digest})])
    if _read_cache(path) != contract:
        raise InternalError("A compiled contract does not survive its own cache.")
