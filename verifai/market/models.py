"""The ModelRegistry contract: whose a model is, and who shares in what it earns.

::

    models = Models(chain, contracts.models)
    number = models.register_model(vk, shares, uri="ipfs://...", licence="Apache-2.0", royalty=1000)
    models.collect(number, shares, 0)                 # pays the first contributor its part
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from verifai.chain.chain import Chain
from verifai.chain.native.system import native_system
from verifai.chain.shipped import contract
from verifai.chain.verdict import own_error, refused
from verifai.evm.abi import checksum
from verifai.evm.node.faults import RevertedError
from verifai.market.jobs import NATIVE, Action
from verifai.proof import VerifyingKey


class Role(IntEnum):
    """What a contributor contributed; the contract's ``Role``."""

    DATA = 0
    MODEL = 1
    APPLICATION = 2


@dataclass(frozen=True)
class Share:
    """A contributor's part of a model's revenue, in basis points; all parts sum to 10,000."""

    account: str
    basis_points: int
    role: Role

    def values(self) -> tuple[Any, ...]:
        """As the Contract ABI's tuple."""
        return checksum(self.account), self.basis_points, int(self.role)


class Models:
    """One ModelRegistry contract, through one connection.

    Args:
        chain: the connection; its signer is who acts.
        address: of the contract (:meth:`Chain.deploy` gives it).
    """

    def __init__(self, chain: Chain, address: str) -> None:
        self.address = checksum(address)
        self._contract = contract("ModelRegistry", self.address, chain.connection.sender)

    def register_model(
        self,
        vk: VerifyingKey,
        shares: Sequence[Share],
        *,
        uri: str = "",
        licence: str = "",
        royalty: int = 0,
    ) -> int:
        """Register a native key's model; none of it can be changed afterwards.

        Args:
            shares: who shares in the revenue, at most 64.
            uri: where people find more.
            licence: an SPDX expression, or where the text is.
            royalty: the model's part of the price of a job, in basis points.

        Returns:
            The model's identifier: a digest of all this and of the signer.

        Raises:
            UsageError: the contract refused it; the message names its error.
            SetupError: the signer cannot pay.
            NetworkError: the node failed.
        """
        digest = bytes.fromhex(vk.digest)
        named = (bytes.fromhex(vk.model), bytes.fromhex(vk.circuit), digest, native_system(), uri)
        parts = [share.values() for share in shares]
        # As the contract does it; a node is not asked, as one that lies could name another model.
        owner = self._contract.sender.address
        own = self._contract.interface.digest("modelIdOf", owner, named, licence, royalty, parts)
        self._act("registerModelWithTerms", named, licence, royalty, parts)
        return int.from_bytes(own, "big")

    def collect(
        self, model: int, shares: Sequence[Share], index: int, token: str = NATIVE
    ) -> Action:
        """Send a contributor its part of what the model earned.

        Raises as :meth:`register_model`.
        """
        parts = [share.values() for share in shares]
        return self._act("claim", model, checksum(token), parts, index)

    def revenue(self, model: int, token: str = NATIVE) -> int:
        """What a model earned so far, in the token's smallest unit."""
        return int(self._contract.call("revenue", model, checksum(token)))

    def _act(self, function: str, *arguments: Any) -> Action:
        try:
            return Action.of(self._contract.send(function, *arguments))
        except RevertedError as refusal:
            found = own_error(refusal, ("ModelRegistry",))
            raise refused(self._contract, function, refusal, found) from None
