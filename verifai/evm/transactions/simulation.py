"""Transactions one after the other on a node's copy of the state; nothing is signed or sent.

``eth_simulateV1`` of the Execution APIs: geth, nethermind, besu, reth and anvil have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verifai.evm.node.faults import RevertedError, node_errors
from verifai.evm.transactions.bounds import TRANSACTION_GAS_CAP, require_size
from verifai.evm.transactions.sender import Sender, overrides


@dataclass(frozen=True)
class Call:
    """One transaction of a sequence.

    Attributes:
        what: in words.
        to: the contract.
        data: calldata.
        value: wei.
    """

    what: str
    to: str
    data: bytes
    value: int = 0


def simulate(sender: Sender, calls: Sequence[Call], code: Mapping[str, bytes]) -> list[int] | None:
    """The gas that each transaction uses, if all are sent in this order; None where the node cannot
    tell.

    Args:
        code: runtime code to pretend at addresses.

    Raises:
        RevertedError: one of them would revert.
        UnsupportedError: one is larger than nodes take.
        NetworkError: the node failed, or answered nonsense.
    """
    for call in calls:
        require_size(False, call.data, call.what)
    if sender.url == "embedded":
        provider: Any = sender.web3.provider
        with node_errors("a simulation", sender.url):
            found = provider.ethereum_tester.backend.simulate(
                [(_bytes(sender.address), _bytes(c.to), c.data, c.value) for c in calls],
                {_bytes(at): text for at, text in code.items()},
            )
        return [int(gas) for gas in found]
    # a block for each: together they may want more than one block holds
    blocks = [
        {
            "calls": [
                {
                    "from": sender.address,
                    "to": call.to,
                    "data": "0x" + call.data.hex(),
                    "value": hex(call.value),
                    "gas": hex(TRANSACTION_GAS_CAP),
                }
            ],
            "stateOverrides": {} if number else overrides(code),
        }
        for number, call in enumerate(calls)
    ]
    with node_errors("a simulation", sender.url):
        method: Any = "eth_simulateV1"
        answer: Any = sender.web3.provider.make_request(
            method, [{"blockStateCalls": blocks, "validation": False}, "latest"]
        )
        if "error" in answer:
            # a node that fails at this one question is asked the others instead
            return None
        found = [block["calls"][0] for block in answer["result"]]
        if len(found) != len(calls):
            return None
        for call, one in zip(calls, found, strict=True):
            if int(one["status"], 16) != 1:
                data = bytes.fromhex(str(one["returnData"])[2:])
                words = one.get("error", {}).get("message", "it reverted")
                raise RevertedError(data, f"{call.what}: {words}")
        return [int(one["gasUsed"], 16) for one in found]


def _bytes(address: str | None) -> bytes:
    return bytes.fromhex((address or "0x")[2:])
