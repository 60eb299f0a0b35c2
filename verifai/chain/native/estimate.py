"""What publishing a native proof would cost: deployment, registration, publication."""

from __future__ import annotations

from verifai.chain.connection import Connection
from verifai.chain.deploy import planned, require_deployable
from verifai.chain.native import acceptor
from verifai.chain.native.circuits import is_registered
from verifai.chain.native.prepared import Prepared
from verifai.chain.native.registry import NativeRegistry
from verifai.chain.native.system import native_system, verifier_address, verifiers
from verifai.chain.publisher import Confirm
from verifai.chain.shipped import contract, interface
from verifai.chain.verdict import own_error, verdict
from verifai.errors import NetworkError, UsageError
from verifai.evm.create2 import PROXY, PROXY_CODE, PROXY_COST, PROXY_SENDER, SALT, create2_address
from verifai.evm.node.faults import RevertedError
from verifai.evm.transactions.estimate import Estimate, PublishEstimate
from verifai.evm.transactions.sender import Sender
from verifai.evm.transactions.simulation import Call, simulate


def estimate(connection: Connection, prepared: Prepared, confirm: Confirm) -> PublishEstimate:
    """The cost of publishing what was prepared.

    Transactions that need what others before them leave behind are simulated together; a node that
    does not simulate is asked for those that stand alone.

    Args:
        confirm: verifies the proof offline; None if that was done.
    """
    sender, registry = connection.sender, connection.registry
    account = sender.account
    calls: list[Call] = []
    code: dict[str, bytes] = {}
    steps: list[Estimate] = []
    if registry is None:
        if require_deployable(sender):
            code[PROXY] = PROXY_CODE
            what = "funding the deployment proxy's creator"
            steps.append(sender.estimate(PROXY_SENDER, b"", what, value=PROXY_COST))
        creations = planned(verifiers(), account)
        for name, creation in creations.items():
            if not sender.code(create2_address(creation)):
                calls.append(Call(f"deploying {name}", PROXY, SALT + creation))
        registry = create2_address(creations["NativeProofRegistry"])
    alone = len(calls)
    stands = bool(sender.code(registry))
    verifier = verifier_of(sender, registry) if stands else verifier_address()
    if not is_registered(sender, verifier, prepared.call.circuit):
        data = interface("NativeVerifier").call("register", prepared.table)
        calls.append(Call("registering the circuit", verifier, data))
    elif stands and prepared.find(NativeRegistry(sender, registry), account) is not None:
        return PublishEstimate(sender.chain_id, True, ())
    text = interface("NativeProofRegistry").call("publish", *prepared.arguments)
    calls.append(Call("publishing", registry, text))
    try:
        if len(calls) == 1:
            steps.append(sender.estimate(registry, text, "publishing"))
            return PublishEstimate(sender.chain_id, False, tuple(steps))
        found = simulate(sender, calls, code)
        if found is not None:
            steps += [sender.priced(c.what, gas) for c, gas in zip(calls, found, strict=True)]
            return PublishEstimate(sender.chain_id, False, tuple(steps))
    except RevertedError as refusal:
        raise verdict(sender, refusal, "publishing", NativeRegistry.RUNS, confirm) from None
    left = []
    for number, call in enumerate(calls):
        # with the proxy, most creations stand alone, and so does a registration with its verifier
        try:
            if not code and number < (alone or 1):
                steps.append(sender.estimate(call.to, call.data, call.what))
                continue
        except RevertedError:
            pass  # this one needs those before it
        left.append(call.what)
    return PublishEstimate(sender.chain_id, False, tuple(steps), tuple(left))


def verifier_of(sender: Sender, registry: str) -> str:
    """The native verifier that a registry's router has now (EIP-55).

    Raises:
        UsageError: it is not this package's, or that was not shown.
        NetworkError: the node failed, or the router has no verifier in force.
    """
    router = str(acceptor.router_of(sender, registry))
    try:
        verifier = str(
            contract("VerifierRouter", router, sender).call("verifierOf", native_system())
        )
    except RevertedError as refused:
        reason = own_error(refused, ("VerifierRouter",))
        raise NetworkError(f"The router has no native verifier: {reason or refused}.") from None
    if why := acceptor.unestablished(sender, registry, native_system()):
        raise UsageError(
            f"The registry at {registry} would record what another verifier accepts: {why}.",
            hint="Take the registry's address from whoever deployed it.",
        )
    return verifier
