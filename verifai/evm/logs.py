"""Contract logs, and what makes records of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from verifai.errors import MalformedError
from verifai.evm.abi import checksum
from verifai.proof.codec import exact_fields

T = TypeVar("T")


@dataclass(frozen=True)
class Log:
    """One log of a mined transaction.

    Attributes:
        address: of the contract (EIP-55).
        topics: 32 bytes each.
        data: ABI-encoded.
        block_number, log_index: place in the chain.
        block_hash, transaction_hash: 0x and 64 hex digits.
    """

    address: str
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: str
    log_index: int
    transaction_hash: str

    @classmethod
    def of(cls, log: Mapping[str, Any]) -> Log:
        """A log as web3 gives it."""
        return cls(
            checksum(str(log["address"])),
            tuple(bytes(topic) for topic in log["topics"]),
            bytes(log["data"]),
            int(log["blockNumber"]),
            "0x" + bytes(log["blockHash"]).hex(),
            int(log["logIndex"]),
            "0x" + bytes(log["transactionHash"]).hex(),
        )

    def mapping(self) -> dict[str, Any]:
        """Inverse of :meth:`of`."""
        return {
            "address": self.address,
            "topics": list(self.topics),
            "data": self.data,
            "blockNumber": self.block_number,
            "blockHash": bytes.fromhex(self.block_hash[2:]),
            "logIndex": self.log_index,
            "transactionHash": bytes.fromhex(self.transaction_hash[2:]),
        }

    def to_json(self) -> dict[str, Any]:
        return {
            "address": self.address,
            "topics": [topic.hex() for topic in self.topics],
            "data": self.data.hex(),
            "block_number": self.block_number,
            "block_hash": self.block_hash,
            "log_index": self.log_index,
            "transaction_hash": self.transaction_hash,
        }

    @classmethod
    def from_json(cls, value: Any) -> Log:
        """Strict reader. Raises MalformedError."""
        names = ("address", "topics", "data", "block_number", "block_hash", "log_index")
        found = exact_fields(value, (*names, "transaction_hash"), "A log")
        try:
            return cls(
                checksum(found["address"]),
                tuple(bytes.fromhex(topic) for topic in found["topics"]),
                bytes.fromhex(found["data"]),
                int(found["block_number"]),
                str(found["block_hash"]),
                int(found["log_index"]),
                str(found["transaction_hash"]),
            )
        except MalformedError:
            raise
        except (TypeError, ValueError):
            raise MalformedError("A log's fields are hex and numbers.") from None


@dataclass(frozen=True)
class EventSource(Generic[T]):
    """Which logs to read, and how one becomes a record.

    Attributes:
        addresses: contracts, at least one (EIP-55).
        topics: values of topic 0, any of which will do; empty for all events.
        decode: a log, as :meth:`Log.mapping`, to a record; a pure function that raises
            MalformedError for anything else than its events.
        first_block: no event is older.
        previous_block: the block that a record names as that of the record before it in its
            contract, 0 for the first; None where the contract does not chain its records. With it
            a node that leaves out a contract's events of a block is caught, if not one that
            leaves out some of them.
    """

    addresses: tuple[str, ...]
    topics: tuple[bytes, ...]
    decode: Callable[[Mapping[str, Any]], T]
    first_block: int = 0
    previous_block: Callable[[T], int] | None = None
