"""A job on the market: its terms, its bids, where it is, and what its proof is bound to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from enum import IntEnum
from typing import Any, Final

from verifai.errors import MalformedError
from verifai.evm import abi
from verifai.evm.abi import checksum
from verifai.proof.codec import exact_fields
from verifai.verifier.native.keccak import keccak256

#: The native coin among tokens.
NATIVE: Final = "0x" + "00" * 20
#: The numbers of a bid.
_NUMBERS: Final = ("job", "price", "expiry")


class JobState(IntEnum):
    """Where a job is; the contract's ``State``."""

    NONE = 0
    OPEN = 1
    OFFERED = 2
    ACCEPTED = 3
    COMPLETED = 4
    REFUNDED = 5
    EXPIRED = 6


class DeclineReason(IntEnum):
    """Why a provider declines; the contract's ``Reason``."""

    OTHER = 0
    INPUT_MISSING = 1
    INPUT_UNPROVABLE = 2


@dataclass(frozen=True)
class JobTerms:
    """What a client orders; field by field the contract's ``Terms``, in its order.

    Attributes:
        client: who posts and pays (address).
        system: the proof system's four bytes (:func:`verifai.chain.deploy.system_id`).
        circuit: 32 bytes, the circuit's identifier in the verifier.
        input_digest: Keccak-256 of the inputs' public words.
        linked_digest: Keccak-256 of the digests of committed inputs, one after the other.
        linked_inputs: how many those are.
        royalty: the model's part of the price in basis points, as it is registered.
        model_id: the model that shares in the price, 0 for none.
        token: an ERC-20 token, or :data:`NATIVE`. Collateral is always native.
        budget: the most the job may cost, in the token's smallest unit.
        collateral: what a provider loses that accepts and is late, in wei.
        expiry: UNIX time in seconds after which there is no lease.
        accept_seconds: how long a lease waits for the provider.
        proving_seconds: how long the provider has from its acceptance.
        salt: tells equal jobs apart.
    """

    client: str
    system: bytes
    circuit: bytes
    input_digest: bytes
    linked_digest: bytes
    linked_inputs: int
    royalty: int
    model_id: int
    token: str
    budget: int
    collateral: int
    expiry: int
    accept_seconds: int
    proving_seconds: int
    salt: int

    def values(self) -> tuple[Any, ...]:
        """As the Contract ABI's tuple."""
        return astuple(self)

    @classmethod
    def from_values(cls, values: Sequence[Any]) -> JobTerms:
        """Inverse of :meth:`values`."""
        found = cls(*values)
        return replace(found, client=checksum(found.client), token=checksum(found.token))

    def job_id(self, chain_id: int, market: str) -> int:
        """The identifier of a job with these terms in a market: a digest of both."""
        kinds = (
            "(address,bytes4,bytes32,bytes32,bytes32,uint8,uint16,uint256,address,uint128,uint128,"
            "uint40,uint32,uint32,uint256)"
        )
        encoded = abi.encode(("uint256", "address", kinds), (chain_id, market, self.values()))
        return int.from_bytes(abi.keccak(encoded), "big")


@dataclass(frozen=True)
class Bid:
    """A provider's signed offer. It binds the provider to nothing until it accepts.

    Attributes:
        job: the job's identifier.
        provider: address.
        price: in the token's smallest unit.
        expiry: UNIX time in seconds.
        signature: of all this (EIP-712).
    """

    job: int
    provider: str
    price: int
    expiry: int
    signature: bytes

    def to_json(self) -> dict[str, str]:
        """The bid as a JSON object, to be sent to the client; numbers are decimal strings."""
        numbers = {name: str(getattr(self, name)) for name in _NUMBERS}
        return {**numbers, "provider": self.provider, "signature": self.signature.hex()}

    @classmethod
    def from_json(cls, value: Any) -> Bid:
        """Strict reader.

        Raises:
            MalformedError: an unknown, missing or ill-typed field.
        """
        names = [field.name for field in fields(cls)]
        found: Mapping[str, Any] = exact_fields(value, names, "A bid")
        numbers = [found[name] for name in _NUMBERS]
        if not all(isinstance(n, str) and n.isdecimal() and len(n) <= 78 for n in numbers):
            raise MalformedError("A bid's numbers are decimal strings.")
        try:
            signature = bytes.fromhex(found["signature"])
        except (ValueError, TypeError):
            raise MalformedError("A bid's signature is hexadecimal.") from None
        job, price, expiry = map(int, numbers)
        return cls(job, checksum(found["provider"]), price, expiry, signature)

    def typed(self, chain_id: int, market: str) -> dict[str, Any]:
        """What is signed, as EIP-712 writes it."""
        kinds = {"job": "uint256", "provider": "address", "price": "uint128", "expiry": "uint40"}
        return {
            "types": {
                "EIP712Domain": [
                    {"name": "name", "type": "string"},
                    {"name": "version", "type": "string"},
                    {"name": "chainId", "type": "uint256"},
                    {"name": "verifyingContract", "type": "address"},
                ],
                "Bid": [{"name": name, "type": kind} for name, kind in kinds.items()],
            },
            "primaryType": "Bid",
            "domain": {
                "name": "verifai JobMarket",
                "version": "1",
                "chainId": chain_id,
                "verifyingContract": market,
            },
            "message": {name: getattr(self, name) for name in kinds},
        }


@dataclass(frozen=True)
class Job:
    """A job as the chain knows it.

    Attributes:
        id: identifier.
        terms: what was ordered.
        input: what the client posted with it: words, or where the input is.
        state: where it is.
        provider: who holds the lease, None if nobody.
        until: last second (UNIX time) of the offer or of the lease, 0 without.
        price: what the provider asks, 0 without a lease.
    """

    id: int
    terms: JobTerms
    input: bytes
    state: JobState
    provider: str | None
    until: int
    price: int

    @property
    def pay(self) -> int:
        """What the provider gets of the price; the model gets the rest."""
        return self.price - self.price * self.terms.royalty // 10_000

    @property
    def words(self) -> bytes | None:
        """The inputs' public words, if the client posted them."""
        return self.input if keccak256(self.input) == self.terms.input_digest else None


@dataclass(frozen=True)
class Action:
    """A transaction on the market.

    Attributes:
        transaction_hash: 0x and 64 digits.
        block_number: its block.
        gas_used: its gas.
        job: the job's identifier, None where it is about none.
    """

    transaction_hash: str
    block_number: int
    gas_used: int
    job: int | None

    @classmethod
    def of(cls, mined: Mapping[str, Any], job: int | None = None) -> Action:
        """Of a receipt, as web3 gives it."""
        hash_ = "0x" + bytes(mined["transactionHash"]).hex()
        return cls(hash_, int(mined["blockNumber"]), int(mined["gasUsed"]), job)


def job_context(chain_id: int, market: str, job: int, provider: str) -> dict[str, str | int]:
    """What a provider's proof for a job is bound to: ``verifai.prove(..., context=...)``."""
    return {
        "chain_id": chain_id,
        "contract": market.lower(),
        "job": job,
        "provider": provider.lower(),
    }
