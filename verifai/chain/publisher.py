"""How proofs of one kind get on a chain, and whose its records are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from verifai.chain.connection import Connection
from verifai.chain.receipt import Receipt
from verifai.chain.registry import Registry
from verifai.evm.transactions.estimate import PublishEstimate
from verifai.progress import Progress
from verifai.proof import Proof, VerifyingKey
from verifai.proof.published import Published

#: Verifies the proof at hand offline; None where that was done.
Confirm = Callable[[], object] | None


class Publisher(ABC):
    """What publishes proofs of one kind through one connection.

    The methods do what those of :class:`verifai.chain.Chain` with the same names say.
    """

    #: The kind of registry that records such proofs.
    registry: ClassVar[type[Registry]]

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sender = connection.sender

    @abstractmethod
    def kind(self) -> str:
        """The hash of code by which its registries are remembered among the deployments."""

    @abstractmethod
    def is_registry(self, address: str) -> bool:
        """Whether a shipped registry of such proofs stands at an address."""

    @abstractmethod
    def code_hash(self, key: VerifyingKey, batch: int | None) -> str: ...

    @abstractmethod
    def estimate(self, proof: Proof, key: VerifyingKey, confirm: Confirm) -> PublishEstimate: ...

    @abstractmethod
    def publish(
        self, proof: Proof, key: VerifyingKey, stages: Progress, confirm: Confirm
    ) -> Receipt: ...

    @abstractmethod
    def bundle(self, record: Published, key: VerifyingKey) -> Proof: ...

    @abstractmethod
    def foreign(self, record: Published, key: VerifyingKey) -> str: ...

    @abstractmethod
    def unestablished(self, record: Published, key: VerifyingKey) -> str: ...

    def known(self) -> tuple[str, ...]:
        """Addresses of such registries that this machine remembers."""
        return self._connection.deployments.at(self.kind())

    def expected(self) -> tuple[str, ...]:
        """Addresses where one may stand that nobody remembers."""
        return ()

    def remember(self, address: str) -> None:
        """Add a registry to :meth:`known`."""
        self._connection.deployments.add(self.kind(), address)
