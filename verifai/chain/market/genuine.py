"""Whether a JobMarket is the shipped one, around the verifier that one trusts.

Its address is a digest of its code and of its router's address, the router's of its code, its first
owner and its first verifiers (:mod:`verifai.chain.deploy`). So nobody has to be believed: whoever
pays collateral into a market makes its address again.
"""

from __future__ import annotations

from typing import Any, Final

from verifai.chain.artefacts.interface import interface
from verifai.chain.deploy import create2_address
from verifai.chain.native.contract import artefact, native_system
from verifai.chain.node.faults import Reverted, asking
from verifai.chain.registry import checksum
from verifai.chain.transactions.sender import Sender
from verifai.errors import MalformedError, UsageError

#: First verifiers of a router that are tried.
MAX_SYSTEMS: Final = 16


def require_genuine(sender: Sender, market: str, verifier: str | None = None) -> None:
    """Refuse a market that is not what :func:`verifai.chain.deploy.deploy` makes.

    Args:
        market: address (EIP-55).
        verifier: address of the native verifier that its router must have; default that of the
            shipped one.

    Raises:
        UsageError: other code stands there, or its router believes another verifier.
        NetworkError: the node failed.
    """
    trusted = create2_address(artefact().creation) if verifier is None else checksum(verifier)
    try:
        if _is_genuine(sender, market, trusted):
            return
    except (Reverted, MalformedError):
        pass
    raise UsageError(
        f"What stands at {market} is no JobMarket of this package around the verifier {trusted}.",
        hint="Its rules are somebody else's. Take the address from whoever deployed the market.",
    )


def _is_genuine(sender: Sender, market: str, verifier: str) -> bool:
    def ask(contract: str, address: str, function: str, *arguments: Any) -> tuple[Any, ...]:
        shipped = interface(contract)
        answer = sender.ask(address, shipped.call(function, *arguments), function)
        return shipped.result(function, answer)

    router = checksum(ask("JobMarket", market, "ROUTER")[0])
    models = create2_address(interface("ModelRegistry").deployment())
    if create2_address(interface("JobMarket").deployment(router, models)) != market:
        return False
    (delay,) = ask("VerifierRouter", router, "DELAY")
    count = min(MAX_SYSTEMS, ask("VerifierRouter", router, "systemCount")[0])
    names = [ask("VerifierRouter", router, "systems", i)[0] for i in range(count)]
    entries = [checksum(ask("VerifierRouter", router, "entries", name)[0]) for name in names]
    if dict(zip(names, entries, strict=True)).get(native_system()) != verifier:
        return False
    shipped = interface("VerifierRouter")
    # The list of systems only grows: its beginning are the constructor's.
    return any(
        create2_address(shipped.deployment(owner, delay, names[:first], entries[:first])) == router
        for owner in _owners(sender, router, ask("VerifierRouter", router, "owner")[0])
        for first in range(count + 1)
    )


def _owners(sender: Sender, router: str, now: str) -> Any:
    """The owner now, and if that is not the first one, the first one."""
    yield checksum(now)
    topic = "0x" + interface("VerifierRouter").topic("OwnershipTransferred").hex()
    with asking("the newest block", sender.url):
        last = int(sender.web3.eth.block_number)
    for log in sender.logs(router, [topic], 0, last):
        yield checksum("0x" + bytes(log["topics"][2])[12:].hex())
