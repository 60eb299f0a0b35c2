"""The shipped contracts by name: what can be called of them, and what they answer."""

from __future__ import annotations

from functools import cache

from verifai.contracts.shipped import artefact
from verifai.evm.contract import Contract
from verifai.evm.interface import Interface
from verifai.evm.transactions.sender import Sender


@cache
def interface(name: str) -> Interface:
    """The interface of a shipped contract, e.g. ``JobMarket``."""
    shipped = artefact(name)
    return Interface(name, shipped.abi, shipped.creation)


def contract(name: str, address: str, sender: Sender) -> Contract:
    """What stands at an address (EIP-55), taken for the shipped contract with this name."""
    return Contract(interface(name), address, sender)
