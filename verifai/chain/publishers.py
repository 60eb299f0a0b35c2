"""Proof systems on a chain: the one place that knows which there are."""

from __future__ import annotations

from verifai.chain.connection import Connection
from verifai.chain.generated.publisher import GeneratedPublisher
from verifai.chain.native.publisher import NativePublisher
from verifai.chain.publisher import Publisher
from verifai.proof import VerifyingKey
from verifai.proof.published import Published


class Publishers:
    """All of them on one connection.

    Attributes:
        native: one contract for all circuits.
        generated: a contract for each key.
    """

    def __init__(self, connection: Connection) -> None:
        self.native = NativePublisher(connection)
        self.generated = GeneratedPublisher(connection)
        self.all: tuple[Publisher, ...] = (self.native, self.generated)

    def of_key(self, key: VerifyingKey) -> Publisher:
        """The one for proofs under a key."""
        return self.native if key.guarantees.backend == "native" else self.generated

    def of_record(self, record: Published) -> Publisher:
        """The one whose registry a record is from: only a router names a system."""
        return self.native if record.system else self.generated

    def of_registry(self, address: str) -> Publisher | None:
        """The one whose registry stands at an address; None if no shipped one does."""
        return next((one for one in self.all if one.is_registry(address)), None)
