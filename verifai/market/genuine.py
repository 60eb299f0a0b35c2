"""Whether a JobMarket is the shipped one, around the verifier that one trusts.

Its address is a digest of its code and of its router's address, which
:mod:`verifai.chain.native.acceptor` establishes. So nobody has to be believed: whoever pays
collateral into a market makes its address again.
"""

from __future__ import annotations

from contextlib import suppress

from verifai.chain.native.acceptor import first_systems
from verifai.chain.native.system import native_system, verifier_address
from verifai.chain.shipped import contract, interface
from verifai.errors import MalformedError, UsageError
from verifai.evm.abi import checksum
from verifai.evm.create2 import create2_address
from verifai.evm.node.faults import RevertedError
from verifai.evm.transactions.sender import Sender


def require_genuine(sender: Sender, market: str, verifier: str | None = None) -> None:
    """Refuse a market that is not what :func:`verifai.chain.deploy.deploy` makes.

    Args:
        market: address (EIP-55).
        verifier: address of the native verifier that its router must have been made with; default
            that of the shipped one.

    Raises:
        UsageError: other code stands there, or its router believes another verifier.
        NetworkError: the node failed.
    """
    trusted = verifier_address() if verifier is None else checksum(verifier)
    with suppress(RevertedError, MalformedError):
        if _is_genuine(sender, market, trusted):
            return
    raise UsageError(
        f"What stands at {market} is no JobMarket of this package around the verifier {trusted}.",
        hint="Its rules are somebody else's. Take the address from whoever deployed the market.",
    )


def _is_genuine(sender: Sender, market: str, verifier: str) -> bool:
    router = contract("JobMarket", market, sender).call("ROUTER")
    models = create2_address(interface("ModelRegistry").deployment())
    if create2_address(interface("JobMarket").deployment(router, models)) != market:
        return False
    systems = first_systems(sender, router)
    return systems is not None and systems.get(native_system()) == verifier
