"""Adapter: attest to a published proof in the Ethereum Attestation Service.

EAS (``ethereum-attestation-service/eas-contracts``) is somebody else's contract, deployed by its
owners at addresses of their own; give the one of your chain. An attestation is a signed opinion:
"I checked this publication again, and it was verified". It proves nothing to who does not trust
the attester, and is worth what an audit is worth that found the same: run one before.

The schema, to be registered once per chain and resolver, is :data:`SCHEMA`: the chain of the
publication as CAIP-2, its registry and transaction, and the digests of key, statement and bundle.
The publication may be on another chain than the attestation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Final

from verifai.chain.chain import Chain
from verifai.chain.standards.others import asked, contract_at, sent, with_digests, word
from verifai.errors import NetworkError, UsageError
from verifai.evm import abi
from verifai.evm.abi import checksum
from verifai.evm.interface import Interface
from verifai.evm.logs import Log
from verifai.proof.published import Published

#: The schema's text, as EAS registers it.
SCHEMA: Final = (
    "string chain,address registry,bytes32 transactionHash,bytes32 keyDigest,"
    "bytes32 statementDigest,bytes32 bundleDigest"
)
#: "None" for addresses and identifiers.
NOBODY: Final = "0x" + "00" * 20
NOTHING: Final = "0x" + "00" * 32

#: The values of the schema, of an attestation as of a publication.
_subject: Final = attrgetter(
    "chain_id",
    "registry",
    "transaction_hash",
    "key_digest",
    "statement_digest",
    "bundle_digest",
)
_TYPES: Final = ("string", "address", "bytes32", "bytes32", "bytes32", "bytes32")
_REQUEST: Final = "(bytes32,(address,uint64,bool,bytes32,bytes,uint256))"
_ATTESTATION: Final = "(bytes32,bytes32,uint64,uint64,uint64,bytes32,address,address,bool,bytes)"


@cache
def _eas() -> Interface:
    return Interface.written(
        "EAS",
        f"attest({_REQUEST}) returns (bytes32)",
        f"getAttestation(bytes32) returns ({_ATTESTATION})",
    )


@cache
def _schemas() -> Interface:
    return Interface.written("schema registry", "register(string,address,bool) returns (bytes32)")


@dataclass(frozen=True)
class Attestation:
    """One attestation to a publication.

    Attributes:
        uid, schema: 0x and 64 hex digits.
        attester, recipient: addresses (EIP-55); recipient is ``NOBODY`` if it has none.
        time, expires, revoked: UNIX seconds; 0 for never.
        reference: uid of another attestation, or ``NOTHING``.
        chain_id, registry, transaction_hash: of the publication attested to.
        key_digest, statement_digest, bundle_digest: 64 hex characters.
    """

    uid: str
    schema: str
    attester: str
    recipient: str
    time: int
    expires: int
    revoked: int
    reference: str
    chain_id: str
    registry: str
    transaction_hash: str
    key_digest: str
    statement_digest: str
    bundle_digest: str

    def of(self, record: Published) -> bool:
        """Whether it is about this publication."""
        return bool(_subject(record) == _subject(self))


def schema_uid(resolver: str = NOBODY, revocable: bool = True) -> str:
    """Identifier of :data:`SCHEMA` with a resolver: 0x and 64 hex digits."""
    packed = SCHEMA.encode("ascii") + bytes.fromhex(resolver[2:]) + bytes([revocable])
    return "0x" + abi.keccak(packed).hex()


def register_schema(
    chain: Chain, schema_registry: str, resolver: str = NOBODY, revocable: bool = True
) -> str:
    """Register :data:`SCHEMA` in EAS's SchemaRegistry; returns its identifier.

    Raises:
        UsageError: it is registered already, or there is no such contract.
        SetupError, NetworkError: as publishing.
    """
    contract = contract_at(chain, schema_registry, _schemas())
    sent(contract, "register", SCHEMA, resolver, revocable)
    return schema_uid(resolver, revocable)


def attest(
    chain: Chain,
    eas: str,
    record: Published,
    *,
    schema: str | None = None,
    recipient: str = NOBODY,
    expires: int = 0,
    revocable: bool = True,
    reference: str = NOTHING,
) -> str:
    """Attest to a publication, in the name of the chain's signer.

    Args:
        chain: where EAS stands.
        eas: address of the EAS contract.
        record: the publication, which you have checked.
        schema: identifier under which :data:`SCHEMA` is registered; default without a resolver.
        recipient: whom the attestation is about, e.g. the publisher.
        expires: UNIX seconds, 0 never.
        revocable: whether the attester may take it back.
        reference: uid of an attestation that this one builds on.

    Returns:
        Its uid, 0x and 64 hex digits.

    Raises:
        UsageError: EAS refuses it, e.g. because the schema is not registered; or the record is one
            of a native proof, and not :meth:`~verifai.chain.Published.named`.
        SetupError, NetworkError: as publishing.
    """
    contract = contract_at(chain, eas, _eas())
    wanted = word(schema or schema_uid(revocable=revocable))
    subject = (value.removeprefix("0x") for value in _subject(with_digests(record))[2:])
    data = abi.encode(_TYPES, (record.chain_id, record.registry, *map(bytes.fromhex, subject)))
    request = (wanted, (recipient, expires, revocable, word(reference), data, 0))
    mined = sent(contract, "attest", request)
    topic = abi.keccak(b"Attested(address,address,bytes32,bytes32)")
    for log in map(Log.of, mined["logs"]):
        if log.address == contract.address and log.topics[:1] == (topic,):
            return "0x" + log.data[:32].hex()
    raise NetworkError(f"The contract at {eas} is no EAS: it does not say what it attested.")


def read(chain: Chain, eas: str, uid: str) -> Attestation:
    """An attestation of :data:`SCHEMA`.

    Raises:
        UsageError: EAS has no such attestation.
        MalformedError: it is of another schema.
        NetworkError: the node failed, or the contract is no EAS.
    """
    contract = contract_at(chain, eas, _eas())
    found, schema, time, expires, revoked, reference, recipient, attester, _, data = asked(
        contract, "getAttestation", word(uid)
    )
    if found != word(uid):
        raise UsageError(f"EAS at {contract.address} has no attestation {uid}.")
    chain_id, registry, transaction, *digests = abi.decode(_TYPES, data, "The attestation")
    return Attestation(
        "0x" + found.hex(),
        "0x" + schema.hex(),
        checksum(attester),
        checksum(recipient),
        time,
        expires,
        revoked,
        "0x" + reference.hex(),
        chain_id,
        checksum(registry),
        "0x" + transaction.hex(),
        *(digest.hex() for digest in digests),
    )
