"""Keys whose verifier contract is generated for each of them: the contract, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from verifai.chain.registry import Publication
from verifai.chain.verdict import unexplained, verdict
from verifai.contracts.shipped import artefact
from verifai.contracts.solidity import CompiledContract, compile_contract
from verifai.errors import NetworkError
from verifai.evm.node.faults import Reverted, asking
from verifai.evm.transactions.estimate import PublishEstimate
from verifai.proof import Proof, VerifyingKey
from verifai.verifier import verify

if TYPE_CHECKING:
    from verifai.chain.chain import Chain

#: The shipped contracts that take proofs of generated verifiers.
CONTRACTS: Final = ("ProofRegistry",)
#: What a backend's ``evm_verifier`` calls its contract.
VERIFIER_NAME: Final = "Halo2Verifier"
#: Addresses that an estimate pretends a contract at: nobody's.
_PRETENDED: Final = (
    "0xEEEEEeeeeEeEEeeeeeEeEeeeeeeeEeEeEEEEeE01",
    "0xEeEeeEEEEeeEEEEEEeeEeEeEeeeEeeeEeeEeeE02",
)
#: Answers everything with the word 1; whether a node honours state overrides.
_ANSWERS_ONE: Final = bytes.fromhex("600160005260206000f3")


def verifier_contract(vk: VerifyingKey) -> CompiledContract:
    """The contract of this key alone, compiled."""
    from verifai.backends import get

    return compile_contract(get(vk.guarantees.backend).evm_verifier(vk), VERIFIER_NAME)


def estimate(chain: Chain, proof: Proof, vk: VerifyingKey) -> PublishEstimate:
    """See :meth:`verifai.chain.Chain.estimate`."""
    from verifai.backends import get

    call = get(vk.guarantees.backend).evm_call(vk, proof.statement, proof.argument)
    contract, shipped = verifier_contract(vk), artefact("ProofRegistry")
    registry = chain._registry or chain._standing(shipped.code_hash)
    verifier = chain._standing(contract.code_hash)
    steps = []
    for stands, creation, what in (
        (registry, shipped.creation, "deploying the registry"),
        (verifier, contract.creation, "deploying the verifier"),
    ):
        try:
            steps += [] if stands else [chain._sender.estimate(None, creation, what)]
        except Reverted as refusal:
            raise unexplained(chain._sender, refusal, what) from None
    at = (registry or _PRETENDED[0], verifier or _PRETENDED[1])
    publication = Publication(at[1], vk.digest, proof.statement.digest, proof.digest, call)
    if registry and chain._reader(registry).find(publication) is not None:
        return PublishEstimate(chain.chain_id, True, ())
    code = {}
    if steps and not _pretends(chain):
        return PublishEstimate(chain.chain_id, False, tuple(steps), ("publishing",))
    if registry is None:
        with asking("the registry's code", chain.url):
            code[at[0]] = bytes(chain.web3.eth.call({"data": "0x" + shipped.creation.hex()}))  # type: ignore[typeddict-item]
    if verifier is None:
        code[at[1]] = contract.runtime
    try:
        data = publication.calldata()
        steps.append(chain._sender.estimate(at[0], data, "publishing", code=code))
    except Reverted as refusal:
        confirm = lambda: verify(proof, vk, proof.statement.context)  # noqa: E731
        raise verdict(chain._sender, refusal, "publishing", CONTRACTS, confirm) from None
    return PublishEstimate(chain.chain_id, False, tuple(steps))


def _pretends(chain: Chain) -> bool:
    """Whether the node honours state overrides; some ignore them without a word."""
    question: Any = {"to": _PRETENDED[0], "data": "0x"}
    override: Any = {_PRETENDED[0]: {"code": "0x" + _ANSWERS_ONE.hex()}}
    try:
        with asking("state overrides", chain.url):
            return int.from_bytes(chain.web3.eth.call(question, "latest", override), "big") == 1
    except (Reverted, NetworkError):
        return False
