"""The receipt: where and when a chain accepted a proof."""

from __future__ import annotations

import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from verifai.errors import MalformedError
from verifai.evm.node.faults import node_errors
from verifai.evm.transactions.sender import Sender
from verifai.proof import Proof
from verifai.proof.codec import (
    canonical_json,
    hex_digest,
    parse_canonical_json,
)
from verifai.proof.files import replace_file
from verifai.proof.plain import from_plain


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

    @classmethod
    def of(
        cls,
        sender: Sender,
        transaction_hash: str,
        contract: str,
        verifier: str,
        bundle_digest: str,
        key_digest: str,
        deployed_gas: int,
        evm_target_saves: int = 0,
    ) -> Receipt:
        """Of a transaction that a node shows. Raises NetworkError."""
        with node_errors("the receipt", sender.url):
            mined = sender.web3.eth.get_transaction_receipt(transaction_hash)  # type: ignore[arg-type]
            gas, block = int(mined["gasUsed"]), int(mined["blockNumber"])
        return cls(
            gas,
            transaction_hash,
            contract,
            verifier,
            block,
            sender.chain_id,
            bundle_digest,
            key_digest,
            deployed_gas,
            evm_target_saves,
        )

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
        target = Path(path)
        replace_file(target, [self.to_bytes()])
        return target

    @classmethod
    def from_json(cls, value: Any) -> Receipt:
        """Strict reader.

        Raises:
            MalformedError: an unknown, missing or ill-typed field.
        """
        found: Receipt = from_plain(cls, value, "A receipt")
        for number in (
            found.gas_used,
            found.block_number,
            found.deployed_gas,
            found.evm_target_saves,
        ):
            if not 0 <= number < 1 << 64:
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
