"""Proof systems on a chain behind one protocol: the one place that knows which there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from verifai.chain.connection import Connection
from verifai.chain.generated.publisher import GeneratedPublisher
from verifai.chain.native.publisher import NativePublisher
from verifai.chain.receipt import Receipt
from verifai.chain.records import Published
from verifai.chain.registry import Registry
from verifai.evm.transactions.estimate import PublishEstimate
from verifai.progress import Progress
from verifai.proof import Proof, VerifyingKey


class Publisher(Protocol):
    """How proofs of one kind get on a chain, and whose its records are."""

    @property
    def registry(self) -> type[Registry]:
        """The kind of registry that records such proofs."""
        ...

    def known(self) -> tuple[str, ...]:
        """Addresses of such registries that this machine remembers."""
        ...

    def expected(self) -> tuple[str, ...]:
        """Addresses where such a registry may stand that nobody remembers."""
        ...

    def is_registry(self, address: str) -> bool:
        """Whether a shipped registry of such proofs stands at an address."""
        ...

    def remember(self, address: str) -> None:
        """Add a registry to :meth:`known`."""
        ...

    def code_hash(self, key: VerifyingKey, batch: int | None) -> str:
        """See :meth:`verifai.chain.Chain.expected_code_hash`."""
        ...

    def estimate(
        self, proof: Proof, key: VerifyingKey, confirm: Callable[[], object]
    ) -> PublishEstimate:
        """See :meth:`verifai.chain.Chain.estimate`; ``confirm`` verifies the proof offline."""
        ...

    def publish(
        self,
        proof: Proof,
        key: VerifyingKey,
        stages: Progress,
        confirm: Callable[[], object] | None,
    ) -> Receipt:
        """See :meth:`verifai.chain.Chain.publish`; ``confirm`` is None for a verified proof."""
        ...

    def bundle(self, record: Published, key: VerifyingKey) -> Proof:
        """See :meth:`verifai.chain.Chain.bundle`."""
        ...

    def foreign(self, record: Published, key: VerifyingKey) -> str:
        """See :meth:`verifai.chain.Chain.foreign`."""
        ...

    def unestablished(self, record: Published, key: VerifyingKey) -> str:
        """See :meth:`verifai.chain.Chain.unestablished`."""
        ...


class Publishers:
    """All of them on one connection.

    Attributes:
        native: one contract for all circuits.
        generated: a contract for each key.
    """

    def __init__(self, connection: Connection) -> None:
        self.native = NativePublisher(connection)
        self.generated = GeneratedPublisher(connection)

    @property
    def all(self) -> tuple[Publisher, ...]:
        return self.native, self.generated

    def of_key(self, key: VerifyingKey) -> Publisher:
        """The one for proofs under a key."""
        return self.native if key.guarantees.backend == "native" else self.generated

    def of_record(self, record: Published) -> Publisher:
        """The one whose registry a record is from: only a router names a system."""
        return self.native if record.system else self.generated

    def of_registry(self, address: str) -> Publisher | None:
        """The one whose registry stands at an address; None if no shipped one does."""
        return next((one for one in self.all if one.is_registry(address)), None)
