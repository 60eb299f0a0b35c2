"""One contract of somebody else's: what stands at the address is not known, nor are its errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from verifai.chain.chain import Chain
from verifai.chain.verdict import refused
from verifai.errors import MalformedError, NetworkError, UsageError
from verifai.evm.abi import checksum
from verifai.evm.contract import Contract
from verifai.evm.interface import Interface
from verifai.evm.node.faults import RevertedError
from verifai.proof.published import Published


def contract_at(chain: Chain, address: str, interface: Interface) -> Contract:
    """The contract at an address.

    Raises:
        MalformedError: not an address.
        UsageError: there is no code at it.
        NetworkError: the node failed.
    """
    found = Contract(interface, checksum(address), chain.connection.sender)
    if not found.sender.code(found.address):
        where = f"{found.address} on {chain.chain_id}"
        raise UsageError(f"At {where} there is no contract, so no {interface.name}.")
    return found


def asked(contract: Contract, function: str, *arguments: Any) -> Any:
    """What a function answers.

    Raises:
        UsageError: it reverted, and says why.
        NetworkError: the node failed, it reverted without a reason, or it is another contract.
    """
    try:
        return contract.call(function, *arguments)
    except RevertedError as refusal:
        raise refused(contract, function, refusal) from None
    except MalformedError as error:
        text = f"The contract at {contract.address} is no {contract.interface.name}: "
        raise NetworkError(text + error.message) from None


def sent(contract: Contract, function: str, *arguments: Any) -> Mapping[str, Any]:
    """The receipt of a transaction, as web3 gives it. Raises as :func:`asked`, or as publishing."""
    try:
        return contract.send(function, *arguments)
    except RevertedError as refusal:
        raise refused(contract, function, refusal) from None


def with_digests(record: Published) -> Published:
    """The record, which has to name its bundle.

    Raises:
        UsageError: it does not.
    """
    if not record.bundle_digest:
        raise UsageError(
            "The event of a native proof does not name its bundle.",
            hint="record.named(chain.bundle(record, key))",
        )
    return record


def word(text: str) -> bytes:
    """The 32 bytes of 0x and 64 hex digits. Raises MalformedError."""
    if not re.fullmatch("0x[0-9a-fA-F]{64}", text):
        raise MalformedError(f"An identifier is 0x and 64 hex digits, not {text[:80]!r}.")
    return bytes.fromhex(text[2:])
