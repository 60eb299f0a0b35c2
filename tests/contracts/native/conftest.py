"""The verifier contract on the embedded chain and on anvil."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("verifai._native")

from tests.chain.conftest import _needs_node
from tests.chain.node import Anvil
from tests.contracts.native.circuits import Verifier
from tests.needs import skip_without
from verifai.chain import connect
from verifai.contracts.shipped import artefact
from verifai.evm.node.faults import RevertedError

skip_without("eth_tester")


@pytest.fixture(scope="session")
def embedded() -> Iterator[Verifier]:
    with connect() as chain:
        eth = chain.web3.eth
        shipped = artefact("NativeVerifier")
        address, _ = chain.connection.ensure(shipped.code_hash, shipped.creation, "the verifier")

        def read(data: bytes) -> bytes:
            return bytes(
                eth.call({"to": address, "data": data, "from": chain.connection.sender.address})
            )

        def call(data: bytes) -> bytes | None:
            try:
                read(data)
            except RevertedError as error:
                return error.data
            return None

        def send(data: bytes) -> int:
            return int(chain.connection.sender.send(address, data, "test")["gasUsed"])

        yield Verifier(call, read, send)


@pytest.fixture(scope="session")
def anvil() -> Iterator[str]:
    """URL of an anvil for contracts that are deployed once and then only asked."""
    _needs_node()
    node = Anvil()
    yield node.url
    node.kill()


@pytest.fixture(scope="session")
def node(anvil: str) -> Verifier:
    """On anvil, whose rules are Osaka's."""
    from web3 import HTTPProvider, Web3
    from web3.exceptions import ContractLogicError, Web3RPCError

    web3 = Web3(HTTPProvider(anvil))
    sender = web3.eth.accounts[0]

    def mined(transaction: dict[str, object]) -> dict[str, object]:
        hash_ = web3.eth.send_transaction({"from": sender, "gas": 16_000_000, **transaction})
        receipt = web3.eth.wait_for_transaction_receipt(hash_)
        assert receipt["status"] == 1
        return dict(receipt)

    address = mined({"data": artefact("NativeVerifier").creation})["contractAddress"]

    def read(data: bytes) -> bytes:
        call = {"to": address, "data": data, "from": sender, "gas": 16_000_000}
        return bytes(web3.eth.call(call))

    def call(data: bytes) -> bytes | None:
        try:
            read(data)
        except (ContractLogicError, Web3RPCError) as error:
            return bytes.fromhex(str(error.data)[2:])
        return None

    def send(data: bytes) -> int:
        return int(mined({"to": address, "data": data})["gasUsed"])

    return Verifier(call, read, send)
