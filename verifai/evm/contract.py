"""A contract at an address: its functions called and sent by their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from verifai.evm.interface import Interface
from verifai.evm.logs import Log, logs
from verifai.evm.transactions.sender import Sender


@dataclass(frozen=True)
class Contract:
    """A contract as one signer on one node sees it.

    ::

        token = Contract(Interface.written("ERC-20", "decimals() returns (uint8)"), at, sender)
        token.call("decimals")                              # 18

    Attributes:
        interface: what can be called of it.
        address: where it stands (EIP-55).
        sender: through whom.
    """

    interface: Interface
    address: str
    sender: Sender

    def call(self, function: str, *arguments: Any, block: int | str = "latest") -> Any:
        """What a function answers, which changes nothing: one value, or a tuple of several.

        Raises:
            UsageError: arguments that the function does not take.
            RevertedError: the contract refuses.
            MalformedError: the answer is not one that this function has: another contract's.
            NetworkError: the node failed.
        """
        data = self.interface.call(function, *arguments)
        what = f"{function} of {self.interface.name}"
        values = self.interface.result(
            function, self.sender.ask(self.address, data, what, block=block)
        )
        return values[0] if len(values) == 1 else values

    def send(
        self, function: str, *arguments: Any, value: int = 0, what: str = ""
    ) -> Mapping[str, Any]:
        """Send a transaction that calls a function; returns its receipt, as web3 gives it.

        Args:
            value: wei to send along.
            what: how messages name it; default by function and contract.

        Raises:
            As :meth:`verifai.evm.transactions.sender.Sender.send`.
        """
        data = self.interface.call(function, *arguments)
        what = what or f"{function} of {self.interface.name}"
        return self.sender.send(self.address, data, what, value=value)

    def logs(
        self,
        event: str,
        first: int,
        last: int | None = None,
        *topics: str,
        faults: list[str] | None = None,
    ) -> Iterator[Log]:
        """The logs of an event in blocks ``first`` to ``last``, oldest first.

        Args:
            last: None for the newest block.
            topics: of its indexed fields, 0x and 64 digits each.
            faults: as :func:`verifai.evm.logs.logs`.

        Raises:
            NetworkError: the node refuses even single blocks, or answers what was not asked for.
        """
        last = self.sender.newest_block() if last is None else last
        wanted = ("0x" + self.interface.topic(event).hex(), *topics)
        return logs(self.sender, self.address, wanted, first, last, faults)

    def __repr__(self) -> str:
        return f"Contract({self.interface.name} at {self.address})"
