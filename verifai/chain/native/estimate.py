"""What publishing a native proof would cost: deployment, registration, publication."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifai.chain.deploy import planned, require_deployable
from verifai.chain.native.contract import NATIVE_SYSTEM, verifier_address
from verifai.chain.native.publication import (
    Publication,
    known_circuit,
    require_accepted,
    verifier_of,
)
from verifai.chain.native.registry import CONTRACTS, NativeRegistry, publish_calldata
from verifai.chain.shipped import interface
from verifai.chain.verdict import verdict
from verifai.contracts.shipped import artefact
from verifai.errors import UsageError
from verifai.evm.create2 import PROXY, PROXY_CODE, PROXY_COST, PROXY_SENDER, SALT, create2_address
from verifai.evm.node.faults import Reverted
from verifai.evm.transactions.estimate import Estimate, PublishEstimate
from verifai.evm.transactions.simulation import Call, simulate
from verifai.proof import Proof, VerifyingKey
from verifai.verifier import verify

if TYPE_CHECKING:
    from verifai.chain.chain import Chain


def estimate(
    chain: Chain, registry: str | None, proof: Proof, key: VerifyingKey
) -> PublishEstimate:
    """See :meth:`verifai.chain.Chain.estimate`.

    Transactions that need what others before them leave behind are simulated together; a node that
    does not simulate is asked for those that stand alone.
    """
    sender = chain._sender
    if sender.address is None:
        raise UsageError("This connection only reads: it has no signer.")
    require_accepted(sender, key)
    asked = Publication.of(proof, key)
    calls: list[Call] = []
    code: dict[str, bytes] = {}
    steps: list[Estimate] = []
    if registry is None:
        if require_deployable(sender):
            code[PROXY] = PROXY_CODE
            what = "funding the deployment proxy's creator"
            steps.append(sender.estimate(PROXY_SENDER, b"", what, value=PROXY_COST))
        _, creations = planned({NATIVE_SYSTEM: artefact("NativeVerifier").creation}, sender.address)
        for name, creation in creations.items():
            if not sender.code(create2_address(creation)):
                calls.append(Call(f"deploying {name}", PROXY, SALT + creation))
        registry = create2_address(creations["NativeProofRegistry"])
    alone = len(calls)
    stands = bool(sender.code(registry))
    verifier = verifier_of(sender, registry) if stands else verifier_address()
    if not known_circuit(sender, verifier, asked.circuit):
        data = interface("NativeVerifier").call("register", asked.compact)
        calls.append(Call("registering the circuit", verifier, data))
    elif stands and asked.record(NativeRegistry(chain, registry), sender.address) is not None:
        return PublishEstimate(sender.chain_id, True, ())
    text = publish_calldata(asked.circuit, asked.context, asked.words, bytes(proof.argument))
    calls.append(Call("publishing", registry, text))
    try:
        if len(calls) == 1:
            steps.append(sender.estimate(registry, text, "publishing"))
            return PublishEstimate(sender.chain_id, False, tuple(steps))
        found = simulate(sender, calls, code)
        if found is not None:
            steps += [sender.priced(c.what, gas) for c, gas in zip(calls, found, strict=True)]
            return PublishEstimate(sender.chain_id, False, tuple(steps))
    except Reverted as refusal:
        confirm = lambda: verify(proof, key, proof.statement.context)  # noqa: E731
        raise verdict(sender, refusal, "publishing", CONTRACTS, confirm) from None
    left = []
    for number, call in enumerate(calls):
        # with the proxy, most creations stand alone, and so does a registration with its verifier
        try:
            if not code and number < (alone or 1):
                steps.append(sender.estimate(call.to, call.data, call.what))
                continue
        except Reverted:
            pass  # this one needs those before it
        left.append(call.what)
    return PublishEstimate(sender.chain_id, False, tuple(steps), tuple(left))
