"""Arguments of callers, looked at before a client library makes an error of the node's of them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from verifai.errors import MalformedError, UsageError
from verifai.evm.abi import checksum
from verifai.extras import require


def address_argument(value: Any, name: str) -> str:
    """An address in EIP-55 spelling.

    Raises:
        UsageError: not 0x and 40 hex digits, or mixed case that is not EIP-55's: a slip in copying.
    """
    if isinstance(value, str) and value.startswith("0x") and len(value) == 42:
        utils = require("eth_utils", "chain", "reading addresses")
        with suppress(MalformedError):
            spelled = checksum(value)
            if spelled == value or not utils.is_checksum_formatted_address(value):
                return spelled
    raise UsageError(f"{name} is an address: 0x and 40 hex digits.", hint="Is there a slip in it?")


def number_argument(value: Any, name: str, least: int = 0, *, bits: int | None = None) -> int:
    """A whole number from ``least``, of at most so many bits.

    Raises:
        UsageError: anything else.
    """
    if type(value) is not int or value < least or (bits and value.bit_length() > bits):
        end = f", of at most {bits} bits" if bits else ""
        raise UsageError(f"{name} is a whole number from {least}{end}.")
    return value
