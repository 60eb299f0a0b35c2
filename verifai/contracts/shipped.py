"""The artefacts that ship with the package, as a build made them; no compiler needed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class Artefact:
    """One contract as ``python -m verifai.contracts.build`` writes it.

    Attributes:
        name: the contract.
        abi: its interface (the Contract ABI's JSON).
        creation: bytecode of the deployment, without constructor arguments.
        code_hash: Keccak-256 of the code that then lies at the address, 0x and 64 digits; empty
            where that depends on the constructor's arguments.
    """

    name: str
    abi: Sequence[Mapping[str, Any]] = field(repr=False)
    creation: bytes = field(repr=False)
    code_hash: str


@cache
def artefact(name: str) -> Artefact:
    """The artefact of a shipped contract, e.g. ``NativeVerifier``."""
    text = (resources.files("verifai.contracts") / "src" / f"{name}.json").read_text("ascii")
    value = json.loads(text)
    creation = bytes.fromhex(value["bytecode"][2:])
    return Artefact(name, value["abi"], creation, value.get("deployedCodeHash", ""))
