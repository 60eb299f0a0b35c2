"""A chain inside this process: py-evm behind eth-tester, deterministic and optionally journalled.

What is changed against the libraries' defaults, and why:

- blocks depend on nothing random, so that a replayed journal gives the same block hashes;
- the BN254 precompiles, pure Python and slow, are native code where there is some
  (:mod:`verifai.evm.node.precompiles`);
- gas is estimated with one run instead of a search with twenty;
- a revert keeps its data.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from verifai.errors import InternalError, SetupError
from verifai.evm.abi import keccak
from verifai.evm.node.faults import RevertedError
from verifai.evm.node.journal import Block, Journal
from verifai.evm.node.precompiles import bn254_precompiles
from verifai.extras import require

if TYPE_CHECKING:
    from web3 import Web3

#: Private key of the embedded chain's funded account: public knowledge, worthless elsewhere.
DEVELOPMENT_KEY: Final = (1).to_bytes(32, "big")


#: What is not public in eth-tester's py-evm backend, and called here all the same.
_PRIVATE: Final = ("_max_available_gas", "_get_normalized_and_unsigned_evm_transaction")


def start(journal: Journal | None) -> tuple[Web3, Any]:
    """A fresh chain, or the one that ``journal`` tells of; every later block is added to it.

    Returns:
        The client, and the py-evm backend behind it.

    Raises:
        MissingExtraError: web3 or eth-tester is not installed.
        MalformedError: the journal does not replay to the block hashes it records.
    """
    web3 = require("web3", "embedded", "the embedded chain")
    eth_tester = require("eth_tester", "embedded", "the embedded chain")
    backend = _backend_class()(journal.genesis_time if journal else int(time.time()))
    tester = eth_tester.EthereumTester(backend)
    if journal is not None:
        _replay(backend, journal)
        backend.mined = journal.append
    return web3.Web3(web3.EthereumTesterProvider(tester)), backend


def _replay(backend: Any, journal: Journal) -> None:
    for number, block in enumerate(journal.blocks(), start=2):
        backend.next_time = block.time
        try:
            for transaction in block.transactions:
                backend.send_raw_transaction(transaction)
            hashes = [mined.hex() for mined in backend.mine_blocks()]
        except Exception as error:
            raise journal.damaged(
                number, f"its transactions cannot be applied ({type(error).__name__})."
            ) from None
        if hashes != [block.hash]:
            raise journal.damaged(number, "its transactions give another block.")
    backend.next_time = None


@lru_cache(maxsize=1)
def _backend_class() -> type[Any]:
    """The py-evm backend, defined here because its base classes are optional packages."""
    from eth._utils.address import generate_contract_address
    from eth.exceptions import Revert, VMError
    from eth.exceptions import TransactionNotFound as EVMTransactionNotFound
    from eth.vm.spoof import SpoofTransaction
    from eth_tester.backends.pyevm.main import PyEVMBackend, get_default_genesis_params
    from eth_tester.backends.pyevm.serializers import (
        serialize_transaction,
        serialize_transaction_receipt,
    )
    from eth_tester.exceptions import TransactionNotFound

    from verifai.evm.create2 import PROXY, create2_address

    if missing := [name for name in _PRIVATE if not hasattr(PyEVMBackend, name)]:
        raise SetupError(
            f"The embedded chain is built on {', '.join(missing)} of eth-tester 0.14.0b1, which "
            "the installed one lacks.",
            hint="pip install 'verifai[embedded]' brings the right one; a node's URL needs none.",
        )
    proxy = bytes.fromhex(PROXY[2:])

    class Backend(PyEVMBackend):  # type: ignore[misc]
        """See the module's docstring."""

        def __init__(self, genesis_time: int) -> None:
            self.mined: Callable[[Block], None] | None = None
            self.next_time: int | None = None
            self.created: list[str] = []
            super().__init__(
                genesis_parameters=get_default_genesis_params({"timestamp": genesis_time}),
                vm_configuration=((0, _virtual_machine()),),
            )

        def send_raw_transaction(self, raw_transaction: bytes) -> Any:
            self._open_block()
            return super().send_raw_transaction(raw_transaction)

        def send_transaction(self, transaction: Any) -> Any:
            self._open_block()
            return super().send_transaction(transaction)

        def _open_block(self) -> None:
            """Fix time and randomness of the block to come before anything runs in it."""
            header = self.chain.header
            if header.gas_used == 0:
                earliest = self.chain.get_canonical_head().timestamp + 1
                when = self.next_time if self.next_time is not None else int(time.time())
                self.chain.header = header.copy(
                    timestamp=max(earliest, when), mix_hash=keccak(header.parent_hash)
                )

        def mine_blocks(self, num_blocks: int = 1, coinbase: bytes = 20 * b"\0") -> Any:
            hashes = []
            for _ in range(num_blocks):
                self._open_block()
                block = self.chain.mine_block(coinbase=coinbase, blob_gas_used=0)
                if self.mined is not None:
                    raw = tuple(transaction.encode() for transaction in block.transactions)
                    self.mined(Block(block.hash.hex(), block.header.timestamp, raw))
                for transaction in block.transactions:
                    if transaction.to == b"":
                        address = generate_contract_address(transaction.sender, transaction.nonce)
                        self.created.append("0x" + address.hex())
                    elif transaction.to == proxy:
                        salt, creation = transaction.data[:32], transaction.data[32:]
                        self.created.append(create2_address(creation, salt))
                hashes.append(block.hash)
            return tuple(hashes)

        def get_transaction_by_hash(self, transaction_hash: bytes) -> Any:
            block, index = self._locate(transaction_hash)
            return serialize_transaction(block, block.transactions[index], index, False)

        def get_transaction_receipt(self, transaction_hash: bytes) -> Any:
            block, index = self._locate(transaction_hash)
            return serialize_transaction_receipt(
                block,
                block.get_receipts(self.chain.chaindb),
                block.transactions[index],
                index,
                False,
                self.chain.get_vm(),
            )

        def _locate(self, transaction_hash: bytes) -> tuple[Any, int]:
            """Block and place of a mined transaction, by index; the library walks every block."""
            try:
                number, index = self.chain.get_canonical_transaction_index(transaction_hash)
            except EVMTransactionNotFound:
                raise TransactionNotFound("No such transaction.") from None
            return self.chain.get_canonical_block_by_number(number), index

        def revert_to_snapshot(self, snapshot: Any) -> None:
            if self.mined is not None:
                raise InternalError("A journalled chain cannot go back to a snapshot.")
            super().revert_to_snapshot(snapshot)

        def estimate_gas(self, transaction: Any, block_number: Any = "latest") -> int:
            limit = int(self._max_available_gas())
            used = self._run({**transaction, "gas": limit}, block_number)[1]
            data = bytes(transaction.get("data", b""))
            zeros = data.count(0)
            floor = 21_000 + 10 * (zeros + 4 * (len(data) - zeros))  # EIP-7623
            # Refunds come only at the end, and 1/64 stays behind at each call (EIP-150).
            return min(limit, max(floor, used + used // 16 + 10_000))

        def call(self, transaction: Any, block_number: Any = "latest") -> Any:
            request = {"gas": self._max_available_gas(), **transaction}
            return self._run(request, block_number)[0]

        def simulate(self, transactions: Any, code: Any) -> list[int]:
            """Gas of transactions applied one after the other, without effect.

            Args:
                transactions: sender, recipient, data, value in wei of each.
                code: code to pretend, by address.
            """
            state = self.chain.get_vm(at_header=self.chain.get_canonical_head()).state
            for address, text in code.items():
                state.set_code(address, text)
            used = []
            for sender, to, data, value in transactions:
                request = {"from": sender, "to": to, "data": data, "value": value}
                request |= {"nonce": state.get_nonce(sender), "gas": self._max_available_gas()}
                used.append(self._applied(state, request, "latest")[1])
            return used

        def _applied(self, state: Any, transaction: Any, block_number: Any) -> tuple[Any, int]:
            """Output and gas of a transaction that becomes part of a state."""
            unsigned = self._get_normalized_and_unsigned_evm_transaction(transaction, block_number)
            spoofed = SpoofTransaction(unsigned, from_=transaction["from"])
            computation = state.apply_transaction(spoofed)
            if computation.is_error:
                raise _reverted(computation.error)
            return computation.output, spoofed.intrinsic_gas + computation.get_gas_used()

        def _run(self, transaction: Any, block_number: Any) -> tuple[Any, int]:
            """Output and gas of a transaction without effect."""
            block = self.get_block_by_number(block_number, full_transaction=False)
            header = self.chain.get_canonical_block_header_by_number(block["number"])
            state = self.chain.get_vm(at_header=header).state
            snapshot = state.snapshot()
            try:
                return self._applied(state, transaction, block_number)
            finally:
                state.revert(snapshot)

    def _reverted(error: VMError) -> RevertedError:
        data = error.args[0] if isinstance(error, Revert) and error.args else b""
        said = "" if isinstance(error, Revert) else type(error).__name__
        return RevertedError(data if isinstance(data, bytes) else b"", said)

    return Backend


def _virtual_machine() -> type[Any]:
    """py-evm's Prague rules with precompiles of our own."""
    from eth.vm.forks.prague import PragueVM
    from eth.vm.forks.prague.computation import PragueComputation
    from eth.vm.forks.prague.state import PragueState

    precompiles = dict(PragueComputation.get_precompiles())
    precompiles.update(bn254_precompiles())
    computation = type("Computation", (PragueComputation,), {"_precompiles": precompiles})
    state = type("State", (PragueState,), {"computation_class": computation})
    return type("VirtualMachine", (PragueVM,), {"_state_class": state})
