"""Sending transactions and reading accounts: gas, fees, waiting, and what can go wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from verifai.chain.faults import Reverted, asking
from verifai.chain.published import LOG_BLOCKS
from verifai.chain.signer import Signer
from verifai.errors import NetworkError, UnsupportedError, UsageError

if TYPE_CHECKING:
    from web3 import Web3

#: The most gas one transaction may use since Osaka (EIP-7825).
TRANSACTION_GAS_CAP: Final = 1 << 24
#: Room above the estimate, in percent: the state may change before the transaction is mined.
GAS_MARGIN_PERCENT: Final = 15
#: How long to wait until a transaction is mined: ten slots of Ethereum.
RECEIPT_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 0.1
_DEFAULT_TIP_WEI: Final = 10**9


class Sender:
    """One signer on one node.

    Args:
        web3: the client.
        signer: who pays; None where nothing is ever sent.
        url: how messages name the node.
    """

    def __init__(self, web3: Web3, signer: Signer | None, url: str) -> None:
        self.web3 = web3
        self.url = url
        self._signer = signer
        with asking("the chain id", url):
            self._number = int(web3.eth.chain_id)

    @property
    def chain_id(self) -> str:
        """CAIP-2."""
        return f"eip155:{self._number}"

    @property
    def address(self) -> str | None:
        """Address of the signer."""
        return self._signer.address if self._signer else None

    def code(self, address: str) -> bytes:
        """Runtime code at an address."""
        with asking(f"the code at {address}", self.url):
            return bytes(self.web3.eth.get_code(address))  # type: ignore[arg-type]

    def ask(self, to: str, data: bytes, what: str) -> bytes:
        """What a contract answers to a call that changes nothing.

        Raises:
            Reverted: the contract refused.
            NetworkError: the node failed.
        """
        question: Any = {"to": to, "data": "0x" + data.hex()}
        with asking(what, self.url):
            return bytes(self.web3.eth.call(question))

    def logs(
        self, address: str, topics: Sequence[str], first: int, last: int
    ) -> Iterator[Mapping[str, Any]]:
        """A contract's logs in blocks ``first`` to ``last``, oldest first, asked for in pieces.

        Args:
            topics: topic 0 and those after it, 0x and 64 digits each.

        Raises:
            NetworkError: the node refuses even single blocks.
        """
        step = LOG_BLOCKS
        while first <= last:
            end = min(first + step - 1, last)
            question: Any = {"address": address, "topics": list(topics)}
            question |= {"fromBlock": first, "toBlock": end}
            try:
                with asking(f"events of blocks {first} to {end}", self.url):
                    found = list(self.web3.eth.get_logs(question))
            except NetworkError:
                if step == 1:
                    raise
                step = max(1, step // 4)
                continue
            yield from sorted(found, key=lambda log: (log["blockNumber"], log["logIndex"]))
            first = end + 1

    def sign_typed(self, message: Mapping[str, Any]) -> bytes:
        """The signer's signature of structured data (EIP-712): 65 bytes.

        Raises:
            UsageError: this connection has no signer.
            NetworkError: the node that holds the account does not sign.
        """
        if self._signer is None:
            raise UsageError("This connection only reads: it has no signer.")
        with asking("signing", self.url):
            return self._signer.sign_typed(self.web3, message)

    def send(self, to: str | None, data: bytes, what: str, *, value: int = 0) -> Mapping[str, Any]:
        """Send a transaction and wait until it is mined.

        Args:
            to: a contract, or None to create one.
            data: calldata or creation bytecode.
            what: how messages name it.
            value: coins to send along, in wei.

        Returns:
            The transaction receipt, as web3 gives it.

        Raises:
            Reverted: it would revert (found at estimation, nothing sent), or it did.
            UnsupportedError: it needs more than ``TRANSACTION_GAS_CAP``.
            EnvironmentFault: the signer cannot pay.
            NetworkError: the node failed, or the transaction was not mined in ``RECEIPT_SECONDS``.
            UsageError: this connection has no signer.
        """
        if self._signer is None:
            raise UsageError(
                "This connection only reads: it has no signer.",
                hint="connect(url, signer='NAME_OF_AN_ENVIRONMENT_VARIABLE') or a keystore path.",
            )
        transaction: dict[str, Any] = {"from": self._signer.address, "data": "0x" + data.hex()}
        if to is not None:
            transaction["to"] = to
        if value:
            transaction["value"] = value
        with asking(what, self.url):
            estimate = int(self.web3.eth.estimate_gas(transaction))  # type: ignore[arg-type]
        if estimate > TRANSACTION_GAS_CAP:
            raise UnsupportedError(
                f"{what} needs about {estimate:,} gas; a transaction may use "
                f"{TRANSACTION_GAS_CAP:,} (EIP-7825).",
                hint="Make fewer values public: each costs about 900 gas.",
            )
        limit = min(estimate * (100 + GAS_MARGIN_PERCENT) // 100, TRANSACTION_GAS_CAP)
        with asking(what, self.url):
            nonce = self.web3.eth.get_transaction_count(self._signer.address, "pending")  # type: ignore[arg-type]
            transaction |= {
                "chainId": self._number,
                "gas": limit,
                "nonce": nonce,
                "value": value,
                **self._fees(),
            }
            digest = self._signer.send(self.web3, transaction)
            mined: Mapping[str, Any] = self.web3.eth.wait_for_transaction_receipt(
                digest,  # type: ignore[arg-type]
                timeout=RECEIPT_SECONDS,
                poll_latency=_POLL_SECONDS,
            )
        if mined["status"] != 1:
            raise self._why(transaction, mined, what)
        return mined

    def _fees(self) -> dict[str, int]:
        """EIP-1559 fees that survive six full blocks, or a gas price where there are none."""
        base = self.web3.eth.get_block("latest").get("baseFeePerGas")
        if base is None:
            return {"gasPrice": int(self.web3.eth.gas_price)}
        try:
            tip = int(self.web3.eth.max_priority_fee)
        except Exception:
            tip = _DEFAULT_TIP_WEI  # the question is optional for nodes; the default is mainnet's
        return {"maxFeePerGas": 2 * int(base) + tip, "maxPriorityFeePerGas": tip}

    def _why(self, transaction: dict[str, Any], mined: Mapping[str, Any], what: str) -> Exception:
        """The revert of a mined transaction, found by running it again before its block."""
        again = {
            name: transaction[name]
            for name in ("from", "to", "data", "value")
            if name in transaction
        }
        try:
            with asking(what, self.url):
                self.web3.eth.call(again, mined["blockNumber"] - 1)  # type: ignore[arg-type]
        except (Reverted, NetworkError) as error:
            if isinstance(error, Reverted):
                return error
        return Reverted(b"", "reverted when it was mined")
