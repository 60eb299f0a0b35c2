"""The native proof system as contracts name it, and its verifier as shipped."""

from __future__ import annotations

from typing import Final

from verifai.chain.deploy import system_id
from verifai.contracts.shipped import artefact
from verifai.evm.create2 import create2_address
from verifai.verifier.native.verify import DOMAIN

#: The native backend's name on chains.
NATIVE_SYSTEM: Final = DOMAIN


def native_system() -> bytes:
    """The four bytes of the native backend on chains."""
    return system_id(NATIVE_SYSTEM)


def verifiers() -> dict[str, bytes]:
    """What :func:`verifai.chain.deploy.deploy` is to deploy: the shipped verifier's creation code
    by the name of its system."""
    return {NATIVE_SYSTEM: artefact("NativeVerifier").creation}


def verifier_address() -> str:
    """Where the shipped verifier stands, on every chain that has it (EIP-55)."""
    return create2_address(artefact("NativeVerifier").creation)
