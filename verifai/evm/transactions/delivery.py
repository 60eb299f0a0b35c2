"""Bringing a signed transaction into a block that stays, whatever the node does meanwhile.

A node may die with the transaction in its memory, forget it, or see the block that held it fall to
a reorganisation. The answer is always the same: the same bytes again. Only a transaction that is
next in line and waits too long gets a second version: same nonce, same content, a higher fee, so
that one of them is mined at most.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from verifai.errors import NetworkError, NetworkTimeoutError, UnsupportedError, VerifaiError
from verifai.evm.node.faults import node_errors, refusal, translated
from verifai.evm.transactions import signed as transactions
from verifai.evm.transactions.fees import Fees, limit, offer
from verifai.evm.transactions.outbox import FINAL_BLOCKS, Entry, Outbox, Version
from verifai.evm.transactions.signer import Signer
from verifai.evm.transactions.terms import Terms

if TYPE_CHECKING:
    from web3 import Web3

#: Between two questions to the node: from the first to the second, growing by half each time.
_POLL_SECONDS: Final = (0.1, 2.0)
#: How long the account's nonce must be found used, and none of our receipts, before we believe that
#: another transaction took it: nodes count before they index receipts, and of two nodes behind one
#: URL one may be blocks behind the other.
_MISSING_SECONDS: Final = 15.0


class SupersededError(Exception):
    """Another transaction of the same account took the nonce: this one can never be mined."""


@dataclass
class Delivery:
    """How entries of one outbox reach one node."""

    web3: Web3
    url: str
    signer: Signer
    outbox: Outbox
    terms: Terms

    def sign(self, transaction: dict[str, Any]) -> Version:
        """Sign, and check what was signed.

        Raises:
            MalformedError: the signer signed something else.
            UnsupportedError: a node's account that signs only as it sends.
            SetupError: the signer failed.
        """
        signed = transactions.checked(self.signer.sign(transaction), transaction)
        return Version(signed.hash.hex(), signed.raw)

    def hand_in(self, entry: Entry) -> str | None:
        """Give the newest version to the node.

        Returns:
            None if the node has it, or if nobody knows whether it has; else why it was refused, in
            the words of :func:`verifai.evm.node.faults.refusal`.
        """
        raw = entry.versions[-1].raw
        if not raw:
            return None
        try:
            self.web3.eth.send_raw_transaction(raw)
        except VerifaiError:
            raise  # the embedded chain's own, which is in this process
        except Exception as error:
            kind = refusal(error)
            if kind in ("gas", "size", "other"):
                raise translated(error, "a signed transaction", self.url) from None
            return None if kind == "known" else kind
        return None

    def unfinished(self, content: str) -> Entry | None:
        """The entry with this content that nobody has the receipt of, or that was mined and then
        lost to a reorganisation. Whether it can still be mined, :meth:`deliver` finds out."""
        for entry in self.outbox.entries():
            if entry.content != content:
                continue
            if entry.block is None:
                return entry
            if self.mined(entry) is None:
                lost = replace(entry, block=None)
                self.outbox.keep(lost)
                return lost
        return None

    def hand_in_again(self) -> None:
        """What earlier processes left behind goes to the node again, lowest nonce first, and what
        is final is forgotten."""
        entries = self.outbox.entries()
        if not entries:
            return
        head = int(self.web3.eth.block_number)
        used = self._nonce()
        final = self._nonce(head - FINAL_BLOCKS) if head >= FINAL_BLOCKS else 0
        for entry in entries:
            if entry.nonce < final:  # mined, or another one was in its place, long ago
                self.outbox.drop(entry)
            elif entry.block is None and entry.nonce >= used:
                self.hand_in(entry)

    def deliver(self, entry: Entry, what: str) -> Mapping[str, Any]:
        """Wait until the entry is mined and as deep as the terms want; repair what goes wrong.

        Returns:
            The receipt, of success or of a revert.

        Raises:
            SupersededError: another transaction took the nonce; the entry is dropped.
            NetworkError: no progress within ``terms.patience_seconds``; the entry stays.
        """
        clock = time.monotonic
        deadline = clock() + self.terms.patience_seconds
        offered, deepest = clock(), 0
        missing: float | None = None  # since when
        pause, longest = _POLL_SECONDS
        while True:
            try:
                with node_errors(what, self.url):
                    head, used = int(self.web3.eth.block_number), self._nonce()
                    mined = self.mined(entry)
                    if mined is not None:
                        depth = max(1, head - int(mined["blockNumber"]) + 1)
                        if depth >= self.terms.confirmations:
                            return mined
                        if self.url == "embedded":  # nobody else makes blocks there
                            chain: Any = self.web3.provider
                            chain.ethereum_tester.backend.mine_blocks(
                                self.terms.confirmations - depth
                            )
                            continue
                        if depth > deepest:
                            deepest, deadline = depth, clock() + self.terms.patience_seconds
                        state = f"it has {depth} of {self.terms.confirmations} confirmations"
                    elif used > entry.nonce:
                        state = "its nonce was used by another transaction"
                        missing = clock() if missing is None else missing
                    else:
                        missing, deepest = None, 0
                        state, late = self._line(entry, used), clock() - offered
                        if used == entry.nonce and late > self.terms.bump_seconds:
                            entry, state = self._raise_fee(entry), "it waits at a raised fee"
                            offered = clock()
                        elif not self._known(entry) and self.hand_in(entry) == "underpriced":
                            offered -= self.terms.bump_seconds
            except NetworkError as error:
                state = error.message.removesuffix(".")
            if missing is not None and clock() - missing >= _MISSING_SECONDS:
                self.outbox.drop(entry)
                raise SupersededError
            if clock() > deadline:
                raise NetworkTimeoutError(
                    f"Gave up on {what} at {self.url} after {self.terms.patience_seconds:g} s "
                    f"without progress: {state}.",
                    hint="It stays on record: the same call takes it up again, and sends no "
                    "second transaction.",
                    transaction_hash="0x" + entry.versions[-1].hash,
                )
            time.sleep(pause)
            pause = min(1.5 * pause, longest)

    def arrived(self, entry: Entry) -> bool:
        """Whether the node has the newest version, whatever it said; unknown counts as yes."""
        with suppress(NetworkError), node_errors("a sent transaction", self.url):
            return self.mined(entry) is not None or self._known(entry)
        return True

    def mined(self, entry: Entry) -> Mapping[str, Any] | None:
        """The receipt of whichever version stands in the canonical chain."""
        from web3.exceptions import BlockNotFound, TransactionNotFound

        for version in reversed(entry.versions):
            try:
                found = self.web3.eth.get_transaction_receipt("0x" + version.hash)  # type: ignore[arg-type]
                block = self.web3.eth.get_block(found["blockNumber"])
            except (TransactionNotFound, BlockNotFound):
                continue
            # A node may still tell of a block that a reorganisation has taken back.
            if bytes(block["hash"]) == bytes(found["blockHash"]):
                return found
        return None

    def _raise_fee(self, entry: Entry) -> Entry:
        """A version with a higher fee, handed in; the entry itself where the limit is reached."""
        if not entry.versions[-1].raw:
            return entry  # the node's own transaction: only the node could replace it
        request = transactions.read(entry.versions[-1].raw).request()
        first = Fees.of(transactions.read(entry.versions[0].raw).fields)
        now = Fees.of(request)
        fees = now.raised().at_least(offer(self.web3, Terms()))
        if fees.most > limit(first, self.terms):
            fees = now.raised()
        if fees.most > limit(first, self.terms):
            self.hand_in(entry)
            return entry
        try:
            version = self.sign({**request, **fees.fields()})
        except UnsupportedError:
            return entry
        raised = replace(entry, versions=(*entry.versions, version))
        self.outbox.keep(raised)
        self.hand_in(raised)
        return raised

    def _line(self, entry: Entry, used: int) -> str:
        if used == entry.nonce:
            return "it is in no block yet"
        last = entry.nonce - 1
        nonces = f"nonce {used}" if used == last else f"nonces {used} to {last}"
        return (
            f"its nonce {entry.nonce} waits for {nonces} of {self.signer.address}, which another "
            "wallet or process took and no block holds"
        )

    def _known(self, entry: Entry) -> bool:
        from web3.exceptions import TransactionNotFound

        try:
            self.web3.eth.get_transaction("0x" + entry.versions[-1].hash)  # type: ignore[arg-type]
        except TransactionNotFound:
            return False
        return True

    def _nonce(self, block: int | None = None) -> int:
        """The account's next nonce after a block; by default the newest."""
        at = "latest" if block is None else block
        return int(self.web3.eth.get_transaction_count(self.signer.address, at))  # type: ignore[arg-type]
