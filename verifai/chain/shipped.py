"""The shipped contracts by name: what can be called of them, and what they answer."""

from __future__ import annotations

from functools import cache

from verifai.contracts.shipped import artefact
from verifai.evm.interface import Interface


@cache
def interface(name: str) -> Interface:
    """The interface of a shipped contract, e.g. ``JobMarket``."""
    shipped = artefact(name)
    return Interface(name, shipped.abi, shipped.creation)
