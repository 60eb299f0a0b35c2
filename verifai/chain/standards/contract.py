"""One contract of somebody else's: a function called or sent, its answer decoded strictly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from verifai.chain.verdict import unexplained
from verifai.errors import MalformedError, NetworkError, UsageError, VerifaiError
from verifai.evm import abi
from verifai.evm.abi import checksum
from verifai.evm.node.faults import Reverted, asking, reason

if TYPE_CHECKING:
    from verifai.chain.chain import Chain
    from verifai.chain.published import Published


@dataclass(frozen=True)
class Contract:
    """A contract at an address.

    Attributes:
        chain: where it stands.
        address: of the contract (EIP-55).
        kind: what it is taken for, in messages.
    """

    chain: Chain
    address: str
    kind: str

    @classmethod
    def at(cls, chain: Chain, address: str, kind: str) -> Contract:
        """The contract at an address.

        Raises:
            MalformedError: not an address.
            UsageError: there is no code at it.
            NetworkError: the node failed.
        """
        spelled = checksum(address)
        with asking(f"the code at {spelled}", chain.url):
            code = bytes(chain.web3.eth.get_code(spelled))  # type: ignore[arg-type]
        if not code:
            raise UsageError(
                f"At {spelled} on {chain.chain_id} there is no contract, so no {kind}."
            )
        return cls(chain, spelled, kind)

    def call(
        self, name: str, types: Sequence[str], values: Sequence[Any], answer: Sequence[str]
    ) -> tuple[Any, ...]:
        """Read: call without sending.

        Args:
            name: of the function.
            types, values: of its arguments (Contract ABI).
            answer: types of what it returns.

        Raises:
            UsageError: it reverted, and says why.
            NetworkError: the node failed, it reverted without a reason, or the answer is not of
                these types: another contract.
        """
        question: Any = {"to": self.address, "data": "0x" + _data(name, types, values).hex()}
        try:
            with asking(f"{name} of {self.kind}", self.chain.url):
                data = bytes(self.chain.web3.eth.call(question))
            return abi.decode(answer, data, name)
        except Reverted as refusal:
            raise self._refused(name, refusal) from None
        except MalformedError as error:
            text = f"The contract at {self.address} is no {self.kind}: {error.message}"
            raise NetworkError(text) from None

    def send(
        self, name: str, types: Sequence[str], values: Sequence[Any], *, value: int = 0
    ) -> Mapping[str, Any]:
        """Send a transaction; returns its receipt, as web3 gives it.

        Raises:
            UsageError: the contract refuses it, and says why; nothing has changed.
            NetworkError: it reverts without a reason; or as publishing.
            EnvironmentFault: as publishing.
        """
        data = _data(name, types, values)
        try:
            return self.chain.transact(self.address, data, f"{name} of {self.kind}", value=value)
        except Reverted as refusal:
            raise self._refused(name, refusal) from None

    def _refused(self, name: str, refusal: Reverted) -> VerifaiError:
        if (why := reason(refusal.data)) is None:
            return unexplained(self.chain._sender, refusal, f"{name} of {self.kind}")
        return UsageError(f"The {self.kind} at {self.address} refuses {name}: {why}.")


def with_digests(record: Published) -> Published:
    """The record, which has to name its bundle.

    Raises:
        UsageError: it does not.
    """
    if not record.bundle_digest:
        raise UsageError(
            "The event of a native proof does not name its bundle.",
            hint="record.named(chain.bundle(record, key))",
        )
    return record


def _data(name: str, types: Sequence[str], values: Sequence[Any]) -> bytes:
    return abi.selector(f"{name}({','.join(types)})") + abi.encode(types, values)
