"""The universal verifier contract, seen from Python: its artefact, its calls, its refusals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from verifai.chain.deploy import system_id
from verifai.contracts.shipped import artefact
from verifai.evm import abi
from verifai.evm.create2 import create2_address
from verifai.verifier.native.verify import DOMAIN

#: The native backend's name on chains.
NATIVE_SYSTEM: Final = DOMAIN
#: Bytes of a public word in calldata.
WORD_BYTES: Final = 16


def register_calldata(table: bytes) -> bytes:
    """The transaction data that registers a compact table."""
    return abi.selector("register(bytes)") + abi.encode(("bytes",), (table,))


def verify_calldata(circuit: bytes, context: bytes, words: Sequence[int], proof: bytes) -> bytes:
    """The transaction data that verifies a proof.

    Args:
        circuit: 32 bytes, :func:`verifai.compact.table.circuit_id`.
        context: 32 bytes, zeros for none.
        words: public words in the order of docs/protocol.md, each below 2^128.
        proof: the proof.
    """
    packed = b"".join(word.to_bytes(WORD_BYTES, "big") for word in words)
    types = ("bytes32", "bytes32", "bytes", "bytes")
    return abi.selector("verify(bytes32,bytes32,bytes,bytes)") + abi.encode(
        types, (circuit, context, packed, proof)
    )


def refusal(data: bytes) -> tuple[str, str] | None:
    """What a revert of the contract says: the error's name and the step, rule or circuit that it
    names; None for data of another form."""
    for name in ("ProofRefused", "TableRefused", "UnknownCircuit"):
        if data[:4] == abi.selector(f"{name}(bytes32)") and len(data) == 36:
            if name == "UnknownCircuit":
                return name, data[4:].hex()
            return name, data[4:].rstrip(b"\0").decode("ascii", "replace")
    return None


def native_system() -> bytes:
    """The four bytes of the native backend on chains."""
    return system_id(NATIVE_SYSTEM)


def verifier_address() -> str:
    """Where the shipped verifier stands, on every chain that has it (EIP-55)."""
    return create2_address(artefact("NativeVerifier").creation)
