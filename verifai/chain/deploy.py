"""The contracts around the universal verifier, deployed at the same addresses on every chain.

::

    with verifai.chain.connect() as chain:
        contracts = deploy(chain.connection.sender, {"verifai-native-2": verifier})
        contracts.market                       # an address

Every contract is created by the deterministic deployment proxy, whose address is the same on all
chains, through CREATE2: an address is a digest of the proxy, of a salt and of the creation code
with its arguments. So contracts that stand already are found again without any record of them, and
code at such an address can be no other. Addresses depend on the owner and on the verifiers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from verifai.chain.requirements import require_cancun, require_room, undeployable
from verifai.chain.shipped import interface
from verifai.errors import NetworkError, UnsupportedError, UsageError
from verifai.evm import abi
from verifai.evm.abi import checksum
from verifai.evm.create2 import (
    PROXY,
    PROXY_CODE,
    PROXY_COST,
    PROXY_SENDER,
    PROXY_TRANSACTION,
    SALT,
    create2_address,
)
from verifai.evm.node.faults import RevertedError, node_errors
from verifai.evm.transactions.sender import Sender

#: Chains that live on one machine: anvil, geth's and ganache's default, eth-tester. Only there are
#: circuits under the development reference string accepted, and is the proxy deployed if missing.
LOCAL_CHAINS: Final = (31337, 1337, 131277322940537)
#: Seconds between the addition of a verifier to the router and the time from which it counts.
DELAY: Final = 7 * 24 * 3600


@dataclass(frozen=True)
class Creation:
    """One contract of a deployment.

    Attributes:
        name: the contract.
        address: where it stands (EIP-55).
        transaction_hash: of its creation, 0x and 64 digits; None if it stood there already.
        gas_used: of that transaction, 0 if there was none.
    """

    name: str
    address: str
    transaction_hash: str | None
    gas_used: int


@dataclass(frozen=True)
class Contracts:
    """A deployment: addresses (EIP-55), and how they came about.

    Attributes:
        router: VerifierRouter.
        registry: NativeProofRegistry.
        models: ModelRegistry.
        market: JobMarket.
        verifiers: address by the name of the proof system.
        steps: every contract, in the order of creation.
    """

    router: str
    registry: str
    models: str
    market: str
    verifiers: Mapping[str, str]
    steps: tuple[Creation, ...]

    @property
    def gas_used(self) -> int:
        """Gas of all creations of this call."""
        return sum(step.gas_used for step in self.steps)


def system_id(name: str) -> bytes:
    """The four bytes that name a proof system on chains: ERC-7992's ``proofSystemId``."""
    return abi.keccak(name.encode("ascii"))[:4]


def deploy(
    sender: Sender,
    verifiers: Mapping[str, bytes],
    *,
    owner: str | None = None,
    delay: int = DELAY,
) -> Contracts:
    """Deploy whatever of the contract set does not stand yet.

    Args:
        sender: of a connection with a signer.
        verifiers: for each proof system, by name and version (``verifai-native-2``): the verifier's
            creation code, arguments included.
        owner: who may add and revoke verifiers in the router; default the signer.
        delay: seconds between an addition and its effect, at least a day.

    Raises:
        UsageError: no signer and no owner.
        UnsupportedError: the chain has no deployment proxy, lacks an instruction or a precompile,
            or its blocks have too little gas for one of the contracts; nothing was sent.
        SetupError: the signer cannot pay.
        NetworkError: the node failed, or a contract's creation reverted.
    """
    master = owner if owner is not None else sender.address
    if master is None:
        raise UsageError("A deployment needs an owner of the router.", hint="deploy(owner=...)")
    creations = planned(verifiers, master, delay)
    steps: list[Creation] = []
    missing = [name for name, code in creations.items() if not sender.code(create2_address(code))]
    if missing:
        require_cancun(sender)
        # The largest takes the most gas. None of them needs another while it is created, but the
        # router, which is smaller than the verifier that it names.
        largest = max(missing, key=lambda name: len(creations[name]))
        require_room(sender, largest, creations[largest])
        steps += _proxy(sender)
    steps += [_create(sender, name, creation) for name, creation in creations.items()]
    at = {step.name: step.address for step in steps}
    names = ("VerifierRouter", "NativeProofRegistry", "ModelRegistry", "JobMarket")
    router, registry, models, market = (at[name] for name in names)
    systems = {name: at[name] for name in verifiers}
    return Contracts(router, registry, models, market, systems, tuple(steps))


def planned(verifiers: Mapping[str, bytes], owner: str, delay: int = DELAY) -> dict[str, bytes]:
    """What :func:`deploy` creates: the creation code of every contract by name, in order; a
    verifier has the name of its proof system."""
    creations = dict(verifiers)

    def stand(contract: str, *arguments: object) -> str:
        creations[contract] = interface(contract).deployment(*arguments)
        return create2_address(creations[contract])

    systems = [system_id(name) for name in verifiers]
    addresses = [create2_address(creation) for creation in verifiers.values()]
    router = stand("VerifierRouter", checksum(owner), delay, systems, addresses)
    stand("NativeProofRegistry", router)
    stand("JobMarket", router, stand("ModelRegistry"))
    return creations


def _create(sender: Sender, name: str, creation: bytes) -> Creation:
    address = create2_address(creation)
    if sender.code(address):
        return Creation(name, address, None, 0)
    try:
        mined = sender.send(PROXY, SALT + creation, f"deploying {name}")
    except RevertedError as refusal:
        require_room(sender, name, creation)  # the proxy does not pass on why
        raise undeployable(sender, name, refusal) from None
    if not sender.code(address):
        raise NetworkError(f"The chain at {sender.url} does not hold {name} at {address}.")
    transaction = "0x" + bytes(mined["transactionHash"]).hex()
    return Creation(name, address, transaction, int(mined["gasUsed"]))


def require_deployable(sender: Sender) -> bool:
    """Whether the proxy has to be deployed before anything else, which only local chains allow.

    Raises:
        UnsupportedError: another chain without the proxy.
        NetworkError: the node failed.
    """
    code = sender.code(PROXY)
    if code == PROXY_CODE:
        return False
    if code or sender.number not in LOCAL_CHAINS:
        raise UnsupportedError(
            f"{sender.chain_id} has no deterministic deployment proxy at {PROXY}.",
            hint="github.com/Arachnid/deterministic-deployment-proxy says how it gets there.",
        )
    return True


def _proxy(sender: Sender) -> list[Creation]:
    """The deployment proxy, if it had to be created."""
    if not require_deployable(sender):
        return []
    sender.send(PROXY_SENDER, b"", "funding the deployment proxy's creator", value=PROXY_COST)
    with node_errors("deploying the deployment proxy", sender.url):
        digest = sender.web3.eth.send_raw_transaction(PROXY_TRANSACTION)
        mined = sender.web3.eth.wait_for_transaction_receipt(digest)
    if sender.code(PROXY) != PROXY_CODE:
        raise NetworkError(f"The chain at {sender.url} did not take the deployment proxy.")
    return [Creation("proxy", PROXY, "0x" + bytes(digest).hex(), int(mined["gasUsed"]))]
