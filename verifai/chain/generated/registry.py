"""The ProofRegistry contract: what publishing a proof there says, and what its events claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from verifai.backends import EvmCall
from verifai.chain.registry import Registry
from verifai.chain.shipped import interface
from verifai.evm.abi import keccak
from verifai.evm.interface import Interface
from verifai.proof.published import Published

#: The arguments of ``publish`` that its event names.
_NAMED: Final = ("verifier", "keyDigest", "statementDigest", "bundleDigest")


@cache
def _verifier() -> Interface:
    """What a generated verifier contract can be asked."""
    return Interface.written("verifier", "verifyProof(bytes,uint256[]) returns (bool)")


@dataclass(frozen=True)
class Publication:
    """The arguments of ``publish``; digests are 64 hex characters, ``verifier`` an address."""

    verifier: str
    key_digest: str
    statement_digest: str
    bundle_digest: str
    call: EvmCall

    @property
    def named(self) -> dict[str, Any]:
        """The fields that its event has."""
        digests = (self.key_digest, self.statement_digest, self.bundle_digest)
        return dict(zip(_NAMED, (self.verifier, *map(bytes.fromhex, digests)), strict=True))

    @property
    def arguments(self) -> tuple[Any, ...]:
        """As the Contract ABI takes them."""
        return (*self.named.values(), self.call.argument, self.call.instances)

    def calldata(self) -> bytes:
        """The transaction data that publishes it."""
        return interface("ProofRegistry").call("publish", *self.arguments)

    def record_id(self) -> bytes:
        """The key of the contract's ``publishedIn``."""
        question = _verifier().call("verifyProof", self.call.argument, self.call.instances)
        return interface("ProofRegistry").digest("recordId", *self.named.values(), keccak(question))


class GeneratedRegistry(Registry):
    """A registry in which publishers name verifier and digests; an audit settles the claims."""

    NAME: Final = "ProofRegistry"  # type: ignore[misc]
    RUNS: Final = ("ProofRegistry",)  # type: ignore[misc]

    @classmethod
    def claims(cls, fields: Mapping[str, Any]) -> dict[str, str]:
        return {
            "key_digest": fields["keyDigest"].hex(),
            "statement_digest": fields["statementDigest"].hex(),
            "bundle_digest": fields["bundleDigest"].hex(),
            "publisher": fields["publisher"],
            "verifier": fields["verifier"],
            "verifier_code_hash": "0x" + fields["verifierCodeHash"].hex(),
        }

    def call_of(self, arguments: tuple[Any, ...]) -> tuple[EvmCall, Mapping[str, Any]]:
        *named, argument, instances = arguments
        return EvmCall(argument, tuple(instances)), dict(zip(_NAMED, named, strict=True))

    def of(self, publication: Publication) -> Published | None:
        """The record of exactly this publication, if there is one. Raises NetworkError."""
        return self.find(publication.record_id(), publication.named, publication.call)
