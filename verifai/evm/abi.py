"""The Contract ABI (Solidity's "Contract ABI Specification"), strict on the way in.

eth-abi accepts encodings with gaps, overlaps and trailing bytes, as contracts do. Here a value has
one encoding: what does not re-encode to itself is refused, so that two byte strings never stand
for one call.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from verifai.errors import MalformedError
from verifai.extras import require


def keccak(data: bytes) -> bytes:
    """Keccak-256, Ethereum's hash: 32 bytes."""
    return bytes(require("eth_utils", "chain", "hashing as chains do").keccak(data))


def checksum(address: str) -> str:
    """An address in EIP-55 spelling.

    Raises:
        MalformedError: not 20 bytes of hex.
    """
    utils = require("eth_utils", "chain", "reading addresses")
    try:
        return str(utils.to_checksum_address(address))
    except (ValueError, TypeError):
        raise MalformedError(f"Not an address: {str(address)[:60]!r}.") from None


def selector(signature: str) -> bytes:
    """The four bytes that name a function or a custom error, e.g. ``ProofRefused()``."""
    return keccak(signature.encode("ascii"))[:4]


def encode(types: Sequence[str], values: Sequence[Any]) -> bytes:
    """The one standard encoding of ``values``."""
    return bytes(require("eth_abi", "chain", "calling contracts").encode(types, values))


def encodable(kind: str, value: Any) -> bool:
    """Whether a value is one of this type: in range, and all the way down."""
    with suppress(UnicodeError):
        return bool(require("eth_abi", "chain", "calling contracts").is_encodable(kind, value))
    return False


def decode(types: Sequence[str], data: bytes, what: str) -> tuple[Any, ...]:
    """Inverse of :func:`encode`.

    Raises:
        MalformedError: not the standard encoding of such values: truncated, with gaps or
            overlaps, with non-zero padding, or with trailing bytes.
    """
    eth_abi = require("eth_abi", "chain", "reading contracts' data")
    try:
        values: tuple[Any, ...] = eth_abi.decode(types, data)
    except (eth_abi.exceptions.DecodingError, ValueError, OverflowError) as error:
        raise MalformedError(f"{what}: not ABI-encoded ({type(error).__name__}).") from None
    if encode(types, values) != data:
        raise MalformedError(f"{what}: not the standard ABI encoding (gaps or trailing bytes).")
    return values
