"""The ProofRegistry contract, seen from Python: its artefact, its calls, its events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from verifai.errors import MalformedError
from verifai.evm import abi
from verifai.evm.abi import checksum

if TYPE_CHECKING:
    from verifai.backends import EvmCall

_VERIFY_TYPES: Final = ("bytes", "uint256[]")
_PUBLISH_TYPES: Final = ("address", "bytes32", "bytes32", "bytes32", *_VERIFY_TYPES)
_EVENT_TYPES: Final = ("bytes32", "address", "bytes32", "uint256")


@dataclass(frozen=True)
class Publication:
    """The arguments of ``publish``; digests are 64 hex characters, ``verifier`` an address."""

    verifier: str
    key_digest: str
    statement_digest: str
    bundle_digest: str
    call: EvmCall

    def calldata(self) -> bytes:
        """The transaction data that publishes it."""
        return publish_selector() + abi.encode(
            _PUBLISH_TYPES,
            (
                self.verifier,
                *(bytes.fromhex(digest) for digest in self._digests),
                self.call.argument,
                self.call.instances,
            ),
        )

    def record_id(self) -> bytes:
        """The key of the contract's ``publishedIn``."""
        question = verify_selector() + abi.encode(
            _VERIFY_TYPES, (self.call.argument, self.call.instances)
        )
        return abi.keccak(
            abi.encode(
                ("address", "bytes32", "bytes32", "bytes32", "bytes32"),
                (
                    self.verifier,
                    *(bytes.fromhex(digest) for digest in self._digests),
                    abi.keccak(question),
                ),
            )
        )

    @property
    def _digests(self) -> tuple[str, str, str]:
        return self.key_digest, self.statement_digest, self.bundle_digest

    @classmethod
    def from_calldata(cls, data: bytes) -> Publication:
        """Inverse of :meth:`calldata`.

        Raises:
            MalformedError: another function, or not the standard encoding of its arguments.
        """
        from verifai.backends import EvmCall

        if data[:4] != publish_selector():
            raise MalformedError("The transaction calls another function than publish.")
        verifier, key, statement, bundle, argument, instances = abi.decode(
            _PUBLISH_TYPES, data[4:], "The transaction's data"
        )
        return cls(
            checksum(verifier),
            key.hex(),
            statement.hex(),
            bundle.hex(),
            EvmCall(argument, tuple(instances)),
        )


@dataclass(frozen=True)
class Event:
    """One ``ProofPublished`` log.

    Attributes:
        key_digest, statement_digest, bundle_digest: as the publisher claims, 64 hex characters.
        publisher, verifier: checksummed addresses (EIP-55).
        verifier_code_hash: Keccak-256, 0x and 64 digits.
        previous_block: block of the record before, 0 for the first.
        block_number, log_index: place in the chain.
        transaction_hash: 0x and 64 digits.
    """

    key_digest: str
    statement_digest: str
    bundle_digest: str
    publisher: str
    verifier: str
    verifier_code_hash: str
    previous_block: int
    block_number: int
    log_index: int
    transaction_hash: str

    @classmethod
    def from_log(cls, log: Mapping[str, Any]) -> Event:
        """Decode a log of the registry.

        Raises:
            MalformedError: not a ``ProofPublished`` event.
        """
        topics = [bytes(topic) for topic in log["topics"]]
        if len(topics) != 4 or topics[0] != event_topic() or any(topics[3][:12]):
            raise MalformedError("A log that is no ProofPublished event.")
        bundle, verifier, code_hash, previous = abi.decode(
            _EVENT_TYPES, bytes(log["data"]), "An event's data"
        )
        return cls(
            topics[1].hex(),
            topics[2].hex(),
            bundle.hex(),
            checksum("0x" + topics[3][12:].hex()),
            checksum(verifier),
            "0x" + code_hash.hex(),
            previous,
            int(log["blockNumber"]),
            int(log["logIndex"]),
            "0x" + bytes(log["transactionHash"]).hex(),
        )


@cache
def event_topic() -> bytes:
    """Topic 0 of ``ProofPublished``."""
    return abi.keccak(b"ProofPublished(bytes32,bytes32,address,bytes32,address,bytes32,uint256)")


@cache
def publish_selector() -> bytes:
    """Selector of ``publish``."""
    return abi.selector(f"publish({','.join(_PUBLISH_TYPES)})")


@cache
def verify_selector() -> bytes:
    """Selector of a verifier's ``verifyProof``."""
    return abi.selector(f"verifyProof({','.join(_VERIFY_TYPES)})")
