"""Adapter: answer a validation request of ERC-8004 (Trustless Agents) with a published proof.

The Validation Registry is somebody else's contract; give its address. An agent's owner asks a
validator, named by address, to validate some work; only that validator can answer, with a number
from 0 to 100, which it may change later. The registry checks no proof: the answer is the
validator's word, and what it rests on is the publication that ``responseHash`` names.

The interface is that of ``erc-8004/erc-8004-contracts`` 1.1 (``tag`` is a string; the first drafts
had ``bytes32``, which is another function, and such a registry refuses this adapter's call).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from verifai.chain.chain import Chain
from verifai.chain.standards.others import asked, contract_at, sent, with_digests, word
from verifai.errors import UsageError
from verifai.evm.interface import Interface
from verifai.proof.published import Published

#: The best answer.
MAX_RESPONSE: Final = 100
#: What kind of validation it was: a zero-knowledge proof that was checked.
TAG: Final = "zk"


@cache
def _registry() -> Interface:
    return Interface.written(
        "validation registry",
        "validationResponse(bytes32,uint8,string,bytes32,string)",
        "getValidationStatus(bytes32) returns (address,uint256,uint8,bytes32,string,uint256)",
    )


@dataclass(frozen=True)
class Validation:
    """What the registry holds on a request.

    Attributes:
        validator: who may answer (EIP-55).
        agent_id: token of the agent in the Identity Registry.
        response: 0 to 100; 0 also while nobody has answered.
        response_hash: 64 hex characters; with :func:`respond` the digest of the bundle. Zeros
            while nobody has answered.
        tag: kind of validation.
        updated: UNIX seconds of the last change.
    """

    validator: str
    agent_id: int
    response: int
    response_hash: str
    tag: str
    updated: int


def respond(
    chain: Chain,
    registry: str,
    request_hash: str,
    record: Published,
    *,
    response: int = MAX_RESPONSE,
    uri: str = "",
    tag: str = TAG,
) -> str:
    """Answer a request in the name of the chain's signer, who must be its validator.

    Args:
        chain: where the registry stands.
        registry: address of the Validation Registry.
        request_hash: of the request, 0x and 64 hex digits.
        record: the publication that the answer rests on, which you have checked.
        response: 0 (failed) to 100 (passed).
        uri: where the evidence lies, e.g. the audit's report.
        tag: kind of validation.

    Returns:
        Hash of the transaction, 0x and 64 hex digits.

    Raises:
        UsageError: ``response`` is out of range, or the registry refuses it: no such request, or
            another validator's; or the record is one of a native proof, and not
            :meth:`~verifai.chain.Published.named`.
        SetupError, NetworkError: as publishing.
    """
    if type(response) is not int or not 0 <= response <= MAX_RESPONSE:
        raise UsageError(f"A response is a whole number from 0 to {MAX_RESPONSE}.")
    bundle = bytes.fromhex(with_digests(record).bundle_digest)
    contract = contract_at(chain, registry, _registry())
    arguments = (word(request_hash), response, uri, bundle, tag)
    mined = sent(contract, "validationResponse", *arguments)
    return "0x" + bytes(mined["transactionHash"]).hex()


def status(chain: Chain, registry: str, request_hash: str) -> Validation:
    """What the registry holds on a request.

    Raises:
        UsageError: it knows no such request.
        NetworkError: the node failed, or the contract is no Validation Registry.
    """
    contract = contract_at(chain, registry, _registry())
    validator, agent_id, response, digest, tag, updated = asked(
        contract, "getValidationStatus", word(request_hash)
    )
    return Validation(validator, agent_id, response, digest.hex(), tag, updated)
