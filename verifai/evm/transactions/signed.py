"""A signed transaction, read back: what a signer signed must be what it was asked to sign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from verifai.errors import MalformedError
from verifai.evm.abi import checksum, keccak
from verifai.extras import require

#: Of a transaction before types, in the order of its encoding, without the signature.
LEGACY_FIELDS: Final = ("nonce", "gasPrice", "gas", "to", "value", "input")
#: What a unit of gas is offered since EIP-1559, in place of ``gasPrice``.
FEE_FIELDS: Final = ("maxPriorityFeePerGas", "maxFeePerGas")
#: Fields that must come back as they went out.
_COMPARED: Final = ("chainId", "nonce", "gas", "value", "to", "data", "gasPrice", *FEE_FIELDS)


@dataclass(frozen=True)
class Signed:
    """A raw signed transaction and what it says.

    Attributes:
        raw: the bytes that a node takes.
        sender: address that the signature recovers to (EIP-55).
        fields: of the transaction; integers, ``to`` and ``data`` as bytes.
    """

    raw: bytes = field(repr=False)
    sender: str
    fields: Mapping[str, Any] = field(repr=False)

    @property
    def hash(self) -> bytes:
        """Its hash, 32 bytes."""
        return keccak(self.raw)

    @property
    def recipient(self) -> str | None:
        """Address that it goes to (EIP-55); None where it creates a contract."""
        to = self.fields["to"]
        return checksum("0x" + to.hex()) if to else None

    def request(self) -> dict[str, Any]:
        """The unsigned transaction, for signing it again with other fees."""
        value: dict[str, Any] = {
            name: found
            for name in _COMPARED
            if (found := self.fields.get(name)) is not None and name not in ("to", "data")
        }
        value |= {"from": self.sender, "data": "0x" + self.fields["data"].hex()}
        if self.fields["to"]:
            value["to"] = self.recipient
        return value


def read(raw: bytes) -> Signed:
    """Decode a legacy (EIP-155) or a typed (EIP-2718) transaction.

    Raises:
        MalformedError: neither.
    """
    accounts = require("eth_account", "chain", "reading transactions")
    try:
        sender = str(accounts.Account.recover_transaction(raw))
        fields = _typed(raw) if raw[0] <= 0x7F else _legacy(raw)
    except Exception as error:
        raise MalformedError(f"Not a signed transaction ({type(error).__name__}).") from None
    return Signed(raw, sender, fields)


def checked(raw: bytes, asked: Mapping[str, Any]) -> Signed:
    """``raw``, if it is the signature of exactly what was asked.

    Raises:
        MalformedError: it is not; the message names the field.
    """
    signed = read(raw)
    wanted = {**asked, "to": as_bytes(asked.get("to", "")), "data": as_bytes(asked["data"])}
    wrong = [name for name in _COMPARED if signed.fields.get(name) != wanted.get(name)]
    if signed.sender.lower() != str(asked["from"]).lower():
        wrong.insert(0, "from")
    if wrong:
        raise MalformedError(
            f"The signer signed another transaction than it was asked to: {', '.join(wrong)}.",
            hint="Nothing was sent. Does the signer hold the key of the address it names?",
        )
    return signed


def _typed(raw: bytes) -> dict[str, Any]:
    from eth_account.typed_transactions.typed_transaction import TypedTransaction
    from hexbytes import HexBytes

    found = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
    return {**found, "to": as_bytes(found.get("to", b"")), "data": as_bytes(found["data"])}


def _legacy(raw: bytes) -> dict[str, Any]:
    import rlp  # type: ignore[import-untyped]

    *values, v, _, _ = rlp.decode(raw)
    found = dict(zip(LEGACY_FIELDS, values, strict=True))
    to, data = found.pop("to"), found.pop("input")
    numbers = {name: int.from_bytes(value, "big") for name, value in found.items()}
    return {**numbers, "chainId": (int.from_bytes(v, "big") - 35) // 2, "to": to, "data": data}


def as_bytes(value: Any) -> bytes:
    """Of hex digits or bytes."""
    return bytes.fromhex(value.removeprefix("0x")) if isinstance(value, str) else bytes(value)
