"""A connection as everything in this room takes it: who sends where, and what is known to stand."""

from __future__ import annotations

from dataclasses import dataclass

from verifai.chain.deployments import Deployments
from verifai.chain.verdict import unexplained
from verifai.errors import NetworkError
from verifai.evm.abi import keccak
from verifai.evm.node.faults import RevertedError
from verifai.evm.transactions.sender import Sender


@dataclass(frozen=True)
class Connection:
    """One signer on one node, and the contracts that this machine knows there.

    Attributes:
        sender: reads and sends.
        deployments: addresses by the code that was seen there.
        registry: the one registry to use (EIP-55); None for those in ``deployments``.
    """

    sender: Sender
    deployments: Deployments
    registry: str | None = None

    def code_hash(self, address: str) -> str:
        """Keccak-256 of the code at an address: 0x and 64 digits (EIP-1052)."""
        return "0x" + keccak(self.sender.code(address)).hex()

    def find(self, code_hash: str) -> str | None:
        """Address of a contract with this code, if this machine knows one."""
        known = self.deployments.at(code_hash)
        return next((at for at in known if self.code_hash(at) == code_hash), None)

    def ensure(self, code_hash: str, creation: bytes, what: str) -> tuple[str, int]:
        """Address of a contract with this code, and the gas that it took to create it, 0 if it
        stood already.

        Raises:
            NetworkError: the node failed, or the creation reverted.
        """
        if (found := self.find(code_hash)) is not None:
            return found, 0
        try:
            mined = self.sender.send(None, creation, f"deploying {what}")
        except RevertedError as refusal:
            raise unexplained(self.sender, refusal, f"deploying {what}") from None
        address = str(mined["contractAddress"])
        if self.code_hash(address) != code_hash:
            raise NetworkError(
                f"The chain at {self.sender.url} keeps other code than was deployed."
            )
        self.deployments.add(code_hash, address)
        return address, int(mined["gasUsed"])
