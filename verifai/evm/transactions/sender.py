"""Sending transactions and reading accounts: one signer on one node.

Before anything is signed: the node is still on the chain that was connected to, the transaction
would not revert, the signer can pay for it, and no earlier process left the same one unfinished
(:mod:`verifai.evm.transactions.outbox`). After it is signed it is only ever delivered
(:mod:`verifai.evm.transactions.delivery`), never signed again with another nonce unless that is
the one way left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from verifai.errors import (
    NetworkError,
    SetupError,
    UnsupportedError,
    UsageError,
    VerifaiError,
)
from verifai.evm.node.faults import RevertedError, node_errors
from verifai.evm.transactions.bounds import TRANSACTION_GAS_CAP, require_size
from verifai.evm.transactions.delivery import Delivery, SupersededError
from verifai.evm.transactions.estimate import Estimate, ether
from verifai.evm.transactions.fees import limit, offer
from verifai.evm.transactions.outbox import Entry, Outbox, Version, content_digest, default_folder
from verifai.evm.transactions.signer import NodeAccount, Signer
from verifai.evm.transactions.terms import Terms

if TYPE_CHECKING:
    from web3 import Web3

#: Room above the estimate, in percent: the state may change before the transaction is mined.
GAS_MARGIN_PERCENT: Final = 15
#: Nonces tried where other wallets and processes of the same account keep taking them.
NONCE_ATTEMPTS: Final = 8


class Sender:
    """One signer on one node.

    Args:
        web3: the client.
        signer: who pays; None where nothing is ever sent.
        url: how messages name the node.
        terms: how deep, how long, how dear.
        durable: keep the outbox on disk. False for a chain that dies with the process.

    Attributes:
        number: the chain's, as in :attr:`chain_id`.
        genesis: hash of block 0, 0x and 64 hex digits.
    """

    def __init__(
        self,
        web3: Web3,
        signer: Signer | None,
        url: str,
        terms: Terms | None = None,
        *,
        durable: bool = False,
    ) -> None:
        self.web3 = web3
        self.url = url
        self.terms = terms or Terms()
        self.number, self.genesis = self.identity()
        self._delivery: Delivery | None = None
        if signer is not None:
            folder = default_folder(self.chain_id, self.genesis, signer.address)
            outbox = Outbox(folder if durable else None)
            self._delivery = Delivery(web3, url, signer, outbox, self.terms)

    @property
    def chain_id(self) -> str:
        """CAIP-2."""
        return f"eip155:{self.number}"

    @property
    def chain(self) -> str:
        """Id and genesis: development nodes all use the same few ids."""
        return f"{self.chain_id}/{self.genesis}"

    @property
    def address(self) -> str | None:
        """Address of the signer."""
        return self._delivery.signer.address if self._delivery else None

    @property
    def account(self) -> str:
        """Address of the signer. Raises UsageError if this connection has none."""
        return self._needed().signer.address

    def code(self, address: str) -> bytes:
        """Runtime code at an address."""
        with node_errors(f"the code at {address}", self.url):
            return bytes(self.web3.eth.get_code(address))  # type: ignore[arg-type]

    def ask(
        self,
        to: str | None,
        data: bytes,
        what: str,
        *,
        block: int | str = "latest",
        code: Mapping[str, bytes] | None = None,
    ) -> bytes:
        """What a contract answers to a call that changes nothing.

        Args:
            to: a contract, or None for what creation bytecode leaves behind.
            code: runtime code to pretend at addresses.

        Raises:
            RevertedError: the contract refused.
            NetworkError: the node failed.
        """
        question: Any = {"data": "0x" + data.hex()} | ({"to": to} if to else {})
        pretended: Any = (overrides(code),) if code else ()
        with node_errors(what, self.url):
            return bytes(self.web3.eth.call(question, block, *pretended))  # type: ignore[arg-type]

    def mined(self, transaction_hash: str) -> tuple[int, int]:
        """Gas and block of a mined transaction. Raises NetworkError."""
        with node_errors("the receipt", self.url):
            found = self.web3.eth.get_transaction_receipt(transaction_hash)  # type: ignore[arg-type]
            return int(found["gasUsed"]), int(found["blockNumber"])

    def newest_block(self) -> int:
        """Number of the newest block. Raises NetworkError."""
        with node_errors("the newest block", self.url):
            return int(self.web3.eth.block_number)

    def sign_typed(self, message: Mapping[str, Any]) -> bytes:
        """The signer's signature of structured data (EIP-712): 65 bytes.

        Raises:
            UsageError: this connection has no signer.
            UnsupportedError: the signer cannot.
            NetworkError: the node that holds the account does not sign.
        """
        sign = getattr(self._needed().signer, "sign_typed", None)
        if sign is None:
            raise UnsupportedError("This signer does not sign structured data (EIP-712).")
        with node_errors("signing", self.url):
            return bytes(sign(self.web3, message))

    def estimate(
        self,
        to: str | None,
        data: bytes,
        what: str,
        *,
        value: int = 0,
        code: Mapping[str, bytes] | None = None,
    ) -> Estimate:
        """What a transaction would cost; nothing is signed or sent.

        Args:
            to: a contract, or None to create one.
            data: calldata or creation bytecode.
            what: how messages name it.
            value: wei to send along.
            code: runtime code to pretend at addresses, where the node can (state overrides).

        Raises:
            RevertedError: it would revert.
            UnsupportedError: it needs more gas than a block there holds or a transaction may use
                (``TRANSACTION_GAS_CAP``), or more bytes than nodes take.
            SetupError: the chain asks for more than the terms allow, or the node finds that
                the signer cannot pay.
            NetworkError: the node failed.
            UsageError: this connection has no signer.
        """
        account = self.account
        require_size(to is None, data, what)
        # Not a block's gas, where what does not fit looks like a refusal of whatever ran out of it.
        transaction = {**_request(account, to, data, value), "gas": TRANSACTION_GAS_CAP}
        pretended: Any = ("latest", overrides(code)) if code else ()
        try:
            with node_errors(what, self.url):
                gas = int(self.web3.eth.estimate_gas(transaction, *pretended))  # type: ignore[arg-type]
        except SetupError:  # too poor to estimate, so the gas is not known
            with node_errors(what, self.url):
                balance = int(self.web3.eth.get_balance(account))  # type: ignore[arg-type]
            raise SetupError(
                f"The signer cannot pay for {what}: it sends {ether(value)} and pays for gas, and "
                f"{account} has {ether(balance)}.",
                hint="Fund its account on this chain.",
                value_wei=str(value),
                balance_wei=str(balance),
            ) from None
        return self.priced(what, gas, value)

    def priced(self, what: str, gas: int, value: int = 0) -> Estimate:
        """The cost of a transaction whose gas is known. Raises as :meth:`estimate`."""
        account = self.account
        if gas > TRANSACTION_GAS_CAP:
            raise UnsupportedError(
                f"{what[:1].upper()}{what[1:]} needs about {gas:,} gas; a transaction may use "
                f"{TRANSACTION_GAS_CAP:,} (EIP-7825). Nothing was sent.",
                hint="Make fewer values public: each costs about 900 gas.",
            )
        block = self.block_gas()
        if gas > block:
            raise UnsupportedError(
                f"{what[:1].upper()}{what[1:]} needs about {gas:,} gas; a block of "
                f"{self.chain_id} at {self.url} holds {block:,}. Nothing was sent.",
                hint="Use a chain with larger blocks, or make fewer values public.",
            )
        with node_errors(what, self.url):
            fees = offer(self.web3, self.terms)
            balance = int(self.web3.eth.get_balance(account))  # type: ignore[arg-type]
        allowed = min(gas * (100 + GAS_MARGIN_PERCENT) // 100, TRANSACTION_GAS_CAP, block)
        return Estimate(what, gas, allowed, fees, value, balance)

    def block_gas(self) -> int:
        """The gas that the newest block could hold. Raises NetworkError."""
        with node_errors("the newest block", self.url):
            return int(self.web3.eth.get_block("latest")["gasLimit"])

    def send(self, to: str | None, data: bytes, what: str, *, value: int = 0) -> Mapping[str, Any]:
        """Send a transaction and wait until it is mined, as deep as the terms want.

        A transaction with the same recipient, value and data that an earlier call or process
        signed, and whose receipt nobody has, is taken up in place of a new one.

        Args:
            to: a contract, or None to create one.
            data: calldata or creation bytecode.
            what: how messages name it.
            value: wei to send along.

        Returns:
            The transaction receipt, as web3 gives it.

        Raises:
            RevertedError: it would revert (found at estimation, nothing sent), or it did.
            UnsupportedError: it is larger than the chain allows, as :meth:`estimate`.
            SetupError: the signer cannot pay, or failed to sign.
            NetworkError: the node failed, is on another chain now, or made no progress within the
                terms' patience. What was signed stays on record, and the same call resumes it.
            UsageError: this connection has no signer.
        """
        delivery = self._needed()
        for _ in range(NONCE_ATTEMPTS):
            self._same_chain()
            with delivery.outbox.locked():
                with node_errors("unfinished transactions", self.url):
                    entry = delivery.unfinished(content_digest(to, value, data))
                    if entry is None:
                        delivery.hand_in_again()
                if entry is None:
                    entry = self._handed_in(to, data, what, value)
            try:
                return self._delivered(entry, what)
            except SupersededError:
                continue
        raise self._contended(what)

    def unfinished(self) -> tuple[Entry, ...]:
        """What was signed for this account here and whose receipt nobody has."""
        if self._delivery is None:
            return ()
        return tuple(entry for entry in self._delivery.outbox.entries() if entry.block is None)

    def resume(self) -> list[Mapping[str, Any]]:
        """Bring every unfinished transaction to its end.

        Returns:
            The receipts, lowest nonce first, reverts included; those that can never be mined,
            because another transaction took their nonce, have none.

        Raises:
            NetworkError, SetupError: as :meth:`send`.
        """
        found = []
        delivery = self._needed()
        self._same_chain()
        for entry in self.unfinished():
            try:
                mined = delivery.deliver(entry, f"the transaction of nonce {entry.nonce}")
            except SupersededError:
                continue
            delivery.outbox.keep(self._latest(entry, int(mined["blockNumber"])))
            found.append(mined)
        return found

    def _handed_in(self, to: str | None, data: bytes, what: str, value: int) -> Entry:
        """Sign, write down, hand in."""
        delivery = self._needed()
        estimate = self.estimate(to, data, what, value=value)
        if not estimate.affordable:
            raise self._poor(estimate)
        fees, taken = estimate.fees, {entry.nonce for entry in self.unfinished()}
        highest = limit(fees, self.terms)
        for _ in range(NONCE_ATTEMPTS):
            nonce = self._free_nonce(taken, what)
            transaction = {
                **_request(self.account, to, data, value),
                "chainId": self.number,
                "gas": estimate.gas_limit,
                "nonce": nonce,
                "value": value,
                **fees.fields(),
            }
            content = content_digest(to, value, data)
            try:
                with node_errors(f"signing for {what}", self.url):
                    entry = Entry(nonce, content, (delivery.sign(transaction),))
            except UnsupportedError:
                if not isinstance(delivery.signer, NodeAccount):
                    raise
                # Such nodes are development nodes, whose memory ends with them.
                with node_errors(what, self.url):
                    sent = Version(delivery.signer.send(transaction).hex(), b"")
                delivery.outbox.keep(entry := Entry(nonce, content, (sent,)))
                return entry
            delivery.outbox.keep(entry)
            try:
                refused = delivery.hand_in(entry)
            except (VerifaiError, RevertedError):
                delivery.outbox.drop(entry)  # refused in words: no node has it
                raise
            # A proxy that asked its node twice passes the second answer on.
            if refused is None or delivery.arrived(entry):
                return entry
            delivery.outbox.drop(entry)
            if refused == "funds":
                raise self._poor(estimate)
            if refused == "underpriced":
                with node_errors(what, self.url):
                    fees = fees.raised().at_least(offer(self.web3, self.terms))
                if fees.most > highest:
                    raise SetupError(
                        f"The chain wants more than {highest:,} wei per gas for {what}.",
                        hint="Wait, or raise Terms.max_fee_wei.",
                    )
            else:
                taken.add(nonce)  # another wallet or process of the account was faster
        raise self._contended(what)

    def _delivered(self, entry: Entry, what: str) -> Mapping[str, Any]:
        delivery = self._needed()
        mined = delivery.deliver(entry, what)
        if mined["status"] != 1:
            delivery.outbox.drop(entry)
            raise self._why(mined, what)
        delivery.outbox.keep(self._latest(entry, int(mined["blockNumber"])))
        return mined

    def _latest(self, entry: Entry, block: int) -> Entry:
        """The entry as it is on record now, with versions that delivery may have added."""
        delivery = self._needed()
        for found in delivery.outbox.entries():
            if (found.nonce, found.content) == (entry.nonce, entry.content):
                return replace(found, block=block)
        return replace(entry, block=block)

    def _free_nonce(self, taken: set[int], what: str) -> int:
        """The lowest that neither the node nor the outbox knows a transaction of. Where another
        wallet left a gap this fills it, and what waited behind it moves on."""
        with node_errors(what, self.url):
            nonce = int(self.web3.eth.get_transaction_count(self.account, "pending"))  # type: ignore[arg-type]
        while nonce in taken:
            nonce += 1
        return nonce

    def identity(self) -> tuple[int, str]:
        """Number and genesis of the chain that the node is on now. Raises NetworkError."""
        with node_errors("the chain id", self.url):
            number = int(self.web3.eth.chain_id)
            if not 0 < number < 1 << 63:
                raise NetworkError(f"What answers at {self.url} names no chain (EIP-155).")
        with node_errors("the genesis block", self.url):
            return number, "0x" + bytes(self.web3.eth.get_block(0)["hash"]).hex()

    def _same_chain(self) -> None:
        """Refuse to sign for another chain than was connected to."""
        number, genesis = self.identity()
        if (number, genesis) != (self.number, self.genesis):
            raise NetworkError(
                f"The node at {self.url} is on another chain now: eip155:{number} with genesis "
                f"{genesis[:12]}, not {self.chain_id} with {self.genesis[:12]}. Nothing was sent.",
                hint="Connect again, if that is meant.",
            )

    def _needed(self) -> Delivery:
        if self._delivery is None:
            raise UsageError(
                "This connection only reads: it has no signer.",
                hint="connect(url, signer='NAME_OF_AN_ENVIRONMENT_VARIABLE') or a keystore path.",
            )
        return self._delivery

    def _poor(self, estimate: Estimate) -> SetupError:
        return SetupError(
            f"The signer cannot pay for {estimate.what}: it can cost {ether(estimate.cost_wei)} "
            f"at {estimate.fees.most:,} wei per gas, and {self.address} has "
            f"{ether(estimate.balance_wei)}.",
            hint="Fund its account on this chain.",
            **estimate.to_json(),
        )

    def _contended(self, what: str) -> NetworkError:
        return NetworkError(
            f"Gave up on {what}: other wallets or processes of {self.address} took "
            f"{NONCE_ATTEMPTS} nonces in a row.",
            hint="Let one process at a time sign for an account.",
        )

    def _why(self, mined: Mapping[str, Any], what: str) -> Exception:
        """The revert of a mined transaction, found by running it again before its block."""
        words = "reverted when it was mined"
        try:
            with node_errors(what, self.url):
                sent = self.web3.eth.get_transaction(mined["transactionHash"])
                if mined["gasUsed"] >= sent["gas"]:
                    words = "ran out of gas when it was mined"
                data, value = bytes(sent["input"]), int(sent.get("value", 0))
                again = _request(sent["from"], sent.get("to"), data, value)
                self.web3.eth.call(again, mined["blockNumber"] - 1)  # type: ignore[arg-type]
        except RevertedError as error:
            return error
        except NetworkError:
            pass  # the reason is a courtesy
        return RevertedError(b"", words)


def overrides(code: Mapping[str, bytes]) -> dict[str, dict[str, str]]:
    """Runtime code to pretend at addresses, as nodes take it."""
    return {at: {"code": "0x" + text.hex()} for at, text in code.items()}


def _request(sender: str, to: str | None, data: bytes, value: int) -> dict[str, Any]:
    """A transaction as nodes are asked about it."""
    request: dict[str, Any] = {"from": sender, "data": "0x" + data.hex()}
    return request | ({"value": value} if value else {}) | ({"to": to} if to else {})
