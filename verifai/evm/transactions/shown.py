"""A mined transaction as a node shows it, checked: a node cannot change one without being noticed.

A transaction's hash is a digest of its content and signature, and its sender follows from the
signature. Both are made again here. That it was mined, when, and what it cost is the node's word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from verifai.errors import MalformedError, NetworkError, UnsupportedError
from verifai.evm.abi import keccak
from verifai.evm.node.faults import node_errors
from verifai.evm.transactions.signed import FEE_FIELDS, LEGACY_FIELDS, Signed, as_bytes, read

if TYPE_CHECKING:
    from verifai.evm.transactions.sender import Sender

#: Fields of a transaction by its type (EIP-2718), in the order of its encoding, without the
#: signature: before types, EIP-2930, EIP-1559.
_FIELDS: Final[Mapping[int, tuple[str, ...]]] = {
    0: LEGACY_FIELDS,
    1: ("chainId", *LEGACY_FIELDS, "accessList"),
    2: ("chainId", "nonce", *FEE_FIELDS, *LEGACY_FIELDS[2:], "accessList"),
}


def shown(sender: Sender, digest: str) -> Signed:
    """The transaction of a hash, which must be for the sender's chain.

    Args:
        sender: through whom the node is asked.
        digest: 0x and 64 digits.

    Raises:
        UnsupportedError: a transaction of a type whose content is not read here.
        NetworkError: the node does not show it, or shows another one.
    """
    url = sender.url
    with node_errors("a published transaction", url):
        told = sender.web3.eth.get_transaction(digest)  # type: ignore[arg-type]
        kind = int(told.get("type", 0))
        if kind not in _FIELDS:
            raise UnsupportedError(
                f"the transaction is of type {kind}, whose hash cannot be made again here"
            )
        raw = _encoded(told, kind)
    if "0x" + keccak(raw).hex() != digest:
        raise NetworkError(
            f"the node at {url} shows a transaction whose content has not the hash {digest[:18]}"
        )
    try:
        signed = read(raw)
    except MalformedError as error:
        raise NetworkError(f"{error.message.rstrip('.')}, shown by the node at {url}") from None
    # Before EIP-155 a transaction named no chain.
    named = signed.fields["chainId"] if kind or int(told["v"]) > 28 else None
    if named is not None and f"eip155:{named}" != sender.chain_id:
        raise NetworkError(f"the node at {url} shows a transaction for the chain eip155:{named}")
    return signed


def _encoded(told: Mapping[str, Any], kind: int) -> bytes:
    import rlp  # type: ignore[import-untyped]

    items = [_item(name, told[name]) for name in _FIELDS[kind]]
    parity = told["v"] if kind == 0 else told.get("yParity", told.get("v"))
    encoded: bytes = rlp.encode([*items, *(_number(one) for one in (parity, told["r"], told["s"]))])
    return (bytes([kind]) if kind else b"") + encoded


def _item(name: str, value: Any) -> Any:
    if name == "accessList":
        return [
            [as_bytes(entry["address"]), [as_bytes(key) for key in entry["storageKeys"]]]
            for entry in value
        ]
    if name in ("to", "input"):
        return as_bytes(value or b"")
    return _number(value)


def _number(value: Any) -> bytes:
    """As RLP takes one: big-endian without leading zeros."""
    if isinstance(value, int):
        return value.to_bytes((value.bit_length() + 7) // 8, "big")
    return as_bytes(value).lstrip(b"\0")
