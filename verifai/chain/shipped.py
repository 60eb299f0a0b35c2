"""The shipped contracts by name: what can be called of them, and what they answer."""

from __future__ import annotations

from functools import cache
from typing import Final

from verifai.contracts.shipped import artefact
from verifai.evm.contract import Contract
from verifai.evm.interface import Interface
from verifai.evm.transactions.sender import Sender

#: Raised in a free function of the verifier's, so that the compiler does not list it.
_TABLE_REFUSED: Final = {
    "type": "error",
    "name": "TableRefused",
    "inputs": [{"name": "rule", "type": "bytes32"}],
}


@cache
def interface(name: str) -> Interface:
    """The interface of a shipped contract, e.g. ``JobMarket``."""
    shipped = artefact(name)
    entries = [*shipped.abi, _TABLE_REFUSED] if name == "NativeVerifier" else shipped.abi
    return Interface(name, entries, shipped.creation)


def contract(name: str, address: str, sender: Sender) -> Contract:
    """What stands at an address (EIP-55), taken for the shipped contract with this name."""
    return Contract(interface(name), address, sender)
