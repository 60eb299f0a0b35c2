"""The receipt: where and when a chain accepted a proof."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

from verifai.errors import MalformedError
from verifai.proof.codec import (
    canonical_json,
    exact_fields,
    hex_digest,
    parse_canonical_json,
)
from verifai.proof.files import replace_file

_ADDRESS_LENGTH: Final = 42


@dataclass(frozen=True, repr=False)
class Receipt:
    """A proof's acceptance by a registry.

    Attributes:
        gas_used: gas of the publishing transaction.
        transaction_hash: its hash, 0x and 64 hex digits.
        contract: address of the registry (EIP-55).
        verifier: address of the contract that checked the proof.
        block_number: block of the transaction.
        chain_id: the chain, as CAIP-2 writes it: ``eip155:N``.
        bundle_digest: digest of the published bundle.
        key_digest: digest of its verifying key.
        deployed_gas: gas spent on deploying contracts in the call that returned this, usually 0.
        evm_target_saves: gas that the transaction would have taken less, about, had the model been
            compiled with ``target="evm"``.
    """

    gas_used: int
    transaction_hash: str
    contract: str
    verifier: str
    block_number: int
    chain_id: str
    bundle_digest: str
    key_digest: str
    deployed_gas: int = 0
    evm_target_saves: int = 0

    def to_json(self) -> dict[str, Any]:
        """The receipt as a JSON object."""
        return asdict(self)

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return canonical_json(self.to_json())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write canonical JSON atomically and return the path."""
        target = Path(path)
        replace_file(target, [self.to_bytes()])
        return target

    @classmethod
    def from_json(cls, value: Any) -> Receipt:
        """Strict reader.

        Raises:
            MalformedError: an unknown, missing or ill-typed field.
        """
        names = [field.name for field in fields(cls)]
        found: Mapping[str, Any] = exact_fields(value, names, "A receipt")
        for name in ("gas_used", "block_number", "deployed_gas", "evm_target_saves"):
            if type(found[name]) is not int or not 0 <= found[name] < 1 << 64:
                raise MalformedError(f"A receipt's {name} is a natural number.")
        for name in ("contract", "verifier"):
            _hex(found[name], _ADDRESS_LENGTH, name)
        _hex(found["transaction_hash"], 66, "transaction_hash")
        hex_digest(found["bundle_digest"], "bundle_digest")
        hex_digest(found["key_digest"], "key_digest")
        chain = found["chain_id"]
        if not (isinstance(chain, str) and chain.startswith("eip155:") and chain[7:].isdigit()):
            raise MalformedError("A receipt's chain_id is eip155: and a number (CAIP-2).")
        return cls(**found)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Receipt:
        """Read a receipt file. Raises as :meth:`from_json`."""
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise MalformedError(f"Cannot read {path}: {error.strerror or error}.") from None
        return cls.from_json(parse_canonical_json(data))

    def __repr__(self) -> str:
        saves = self.evm_target_saves
        less = f", about {saves:,} less if compiled with target='evm'" if saves else ""
        return (
            f"Receipt({self.transaction_hash[:12]}, block {self.block_number} of {self.chain_id}, "
            f"{self.gas_used:,} gas{less})"
        )


def _hex(value: Any, length: int, what: str) -> None:
    digits = set("0123456789abcdefABCDEF")
    if not (
        isinstance(value, str)
        and len(value) == length
        and value.startswith("0x")
        and set(value[2:]) <= digits
    ):
        raise MalformedError(f"A receipt's {what} is 0x and {length - 2} hex digits.")
