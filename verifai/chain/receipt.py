"""The receipt: where and when a chain accepted a proof."""

from __future__ import annotations

import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from verifai.errors import MalformedError
from verifai.limits import Bound
from verifai.proof import Proof
from verifai.proof.codec import canonical_json, hex_digest, parse_canonical_json
from verifai.proof.files import read_regular, replace_file
from verifai.proof.plain import from_plain

MAX_RECEIPT_BYTES: Final = Bound("MAX_RECEIPT_BYTES", 1 << 16)


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
        bundle_digest: of the bundle that is on record. That is another one than was handed to
            ``publish`` where a proof of the same statement had been published before.
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

    def is_of(self, proof: Proof) -> bool:
        """Whether it is of this very proof, or of another one of the same statement that was on
        record before."""
        return self.bundle_digest == proof.digest

    def to_json(self) -> dict[str, Any]:
        """The receipt as a JSON object."""
        return asdict(self)

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return canonical_json(self.to_json())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write canonical JSON atomically and return the path."""
        return replace_file(path, [self.to_bytes()])

    @classmethod
    def from_json(cls, value: Any) -> Receipt:
        """Strict reader.

        Raises:
            MalformedError: an unknown, missing or ill-typed field.
        """
        found: Receipt = from_plain(cls, value, "A receipt")
        numbers = [value for value in vars(found).values() if isinstance(value, int)]
        if not all(0 <= number < 1 << 64 for number in numbers):
            raise MalformedError("A receipt's gas and block are natural numbers.")
        texts = (found.contract, 40), (found.verifier, 40), (found.transaction_hash, 64)
        if not all(re.fullmatch(f"0x[0-9a-fA-F]{{{n}}}", text) for text, n in texts):
            raise MalformedError("A receipt's addresses and hashes are 0x and 40 or 64 hex digits.")
        hex_digest(found.bundle_digest, "bundle_digest")
        hex_digest(found.key_digest, "key_digest")
        if not re.fullmatch("eip155:[0-9]+", found.chain_id):
            raise MalformedError("A receipt's chain_id is eip155: and a number (CAIP-2).")
        return found

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Receipt:
        """Read a receipt file. Raises as :meth:`from_json`."""
        return cls.from_json(parse_canonical_json(read_regular(path, MAX_RECEIPT_BYTES)))

    def __repr__(self) -> str:
        saves = self.evm_target_saves
        less = f", about {saves:,} less if compiled with target='evm'" if saves else ""
        return (
            f"Receipt({self.transaction_hash[:12]}, block {self.block_number} of {self.chain_id}, "
            f"{self.gas_used:,} gas{less})"
        )
