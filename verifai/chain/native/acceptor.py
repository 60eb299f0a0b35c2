"""Which contract accepts the native proofs of a registry, established without believing anybody.

A registry's address is a digest of its code and of its router's address; the router's of its code,
its first owner and its first verifiers; the verifier's of its code (:mod:`verifai.chain.deploy`).
What contracts and nodes say is only believed where it makes these addresses again. A router never
replaces a verifier, so what it was made with is what every record had.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Final

from verifai.chain.native.system import verifier_address
from verifai.chain.shipped import contract, interface
from verifai.contracts.shipped import artefact
from verifai.errors import MalformedError
from verifai.evm.abi import checksum, keccak
from verifai.evm.contract import Contract
from verifai.evm.create2 import create2_address
from verifai.evm.node.faults import RevertedError
from verifai.evm.transactions.sender import Sender

#: First verifiers of a router that are tried.
MAX_SYSTEMS: Final = 16


def router_of(sender: Sender, registry: str) -> str | None:
    """The router of a shipped NativeProofRegistry (EIP-55); None if something else stands there.

    Raises:
        NetworkError: the node failed.
    """
    if not sender.code(registry):
        return None
    with suppress(RevertedError, MalformedError):
        router: str = contract("NativeProofRegistry", registry, sender).call("ROUTER")
        shipped = interface("NativeProofRegistry").deployment(router)
        return router if create2_address(shipped) == registry else None
    return None


def first_systems(sender: Sender, router: str) -> Mapping[bytes, str] | None:
    """The systems that a router was made with: name (4 bytes) to verifier (EIP-55).

    None if no shipped VerifierRouter makes this address with what it says of itself.

    Raises:
        NetworkError: the node failed.
    """
    with suppress(RevertedError, MalformedError):
        asked = contract("VerifierRouter", router, sender)
        delay, count = asked.call("DELAY"), min(MAX_SYSTEMS, asked.call("systemCount"))
        names = [asked.call("systems", i) for i in range(count)]
        entries = [verifier_now(sender, router, name) for name in names]
        for owner in _owners(asked):
            # the list only grows: its beginning is the constructor's
            for first in range(count + 1):
                creation = asked.interface.deployment(owner, delay, names[:first], entries[:first])
                if create2_address(creation) == router:
                    return dict(zip(names[:first], entries[:first], strict=True))
    return None


def verifier_now(sender: Sender, router: str, system: bytes) -> str:
    """What a router says is the verifier of a system (EIP-55), revoked or not.

    Raises:
        RevertedError, MalformedError: it is no router.
        NetworkError: the node failed.
    """
    return str(contract("VerifierRouter", router, sender).call("entries", system)[0])


def unestablished(sender: Sender, registry: str, system: bytes) -> str:
    """What keeps the acceptor of a registry's records from being this package's NativeVerifier.

    Returns:
        Empty if it is: registry, router, system and verifier are all established.

    Raises:
        NetworkError: the node failed.
    """
    router = router_of(sender, registry)
    if router is None:
        return f"what stands at {registry} was not shown to be this package's registry"
    systems = first_systems(sender, router)
    if systems is None:
        return f"the router at {router} was not shown to be this package's"
    name = f"the system 0x{system.hex()}"
    if system not in systems:
        return f"{name} came to the router later, from its owner, with a verifier of their choice"
    verifier = systems[system]
    if verifier != verifier_address():
        return f"{name} has the verifier {verifier}, which is not this package's"
    if "0x" + keccak(sender.code(verifier)).hex() != artefact("NativeVerifier").code_hash:
        return f"the code at {verifier} was not shown to be this package's verifier"
    return ""


def _owners(router: Contract) -> Iterator[str]:
    """The owner now, and if that is not the first one, the first one."""
    yield router.call("owner")
    for log in router.logs("OwnershipTransferred", 0, None, "0x" + "0" * 64):
        yield checksum("0x" + log.topics[2][12:].hex())
        return
