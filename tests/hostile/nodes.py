"""A node that answers in JSON as nodes do, and lies in exactly one answer.

The chain behind it is the embedded one. Its answers are remembered: nothing is mined here, so a
question has one true answer.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

from web3 import Web3
from web3.providers import BaseProvider

from verifai.evm.node.faults import RevertedError

Answer = dict[str, Any]
#: A question as text, which of its times (0 for all of them), and what to say in place of it.
Lie = tuple[str, int, Callable[[Answer], Answer]]


class Node(BaseProvider):
    """Answers for an embedded chain; ``lie`` is told in place of one answer."""

    def __init__(self, chain: Web3, known: dict[str, Answer] | None = None) -> None:
        super().__init__()
        self.chain = chain
        self.known: dict[str, Answer] = {} if known is None else known
        self.questions: Counter[str] = Counter()
        self.lie: Lie | None = None

    def listening(self) -> Node:
        """The same node, which has not been asked anything."""
        return Node(self.chain, self.known)

    def lying(self, lie: Lie) -> Node:
        node = self.listening()
        node.lie = lie
        return node

    def web3(self) -> Web3:
        return Web3(self)

    def make_request(self, method: Any, params: Any) -> Any:
        question = json.dumps([method, params], default=_wire)
        self.questions[question] += 1
        if question not in self.known:
            self.known[question] = self._answer(method, json.loads(question)[1])
        answer = {"jsonrpc": "2.0", "id": 1, **deepcopy(self.known[question])}
        if self.lie is not None:
            about, time, told = self.lie
            if about == question and time in (0, self.questions[question]):
                answer = {"jsonrpc": "2.0", "id": 1, **told(answer)}
        return answer

    def _answer(self, method: str, params: list[Any]) -> Answer:
        eth = self.chain.eth
        ask: Mapping[str, Callable[[], Any]] = {
            "eth_chainId": lambda: eth.chain_id,
            "eth_blockNumber": lambda: eth.block_number,
            "eth_getBlockByNumber": lambda: eth.get_block(_block(params[0])),
            "eth_getCode": lambda: eth.get_code(params[0]),
            "eth_call": lambda: eth.call(
                {"to": params[0]["to"], "data": params[0]["data"]}, _block(params[1])
            ),
            "eth_getLogs": lambda: eth.get_logs(params[0]),
            "eth_getTransactionByHash": lambda: eth.get_transaction(params[0]),
            "eth_getTransactionReceipt": lambda: eth.get_transaction_receipt(params[0]),
        }
        try:
            return {"result": _wire(ask[method]())}
        except RevertedError as error:
            return reverted(error.data)


def _block(tag: str) -> Any:
    return int(tag, 16) if tag.startswith("0x") else tag


def _wire(value: Any) -> Any:
    """As JSON-RPC writes it."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return hex(value)
    if isinstance(value, (bytes, bytearray)):
        return "0x" + bytes(value).hex()
    if isinstance(value, Mapping):
        return {name: _wire(item) for name, item in value.items()}
    return [_wire(item) for item in value]


def reverted(data: bytes) -> Answer:
    """The answer for a call that reverted."""
    error = {"code": 3, "message": "execution reverted", "data": "0x" + data.hex()}
    return {"error": error}


#: In place of any answer.
WHOLE: dict[str, Answer] = {
    "a revert": reverted(b""),
    "a revert with data": reverted(bytes.fromhex("08c379a0") + bytes(64)),
    "an error": {"error": {"code": -32000, "message": "header not found"}},
    "an error of another form": {"error": "no"},
    "nothing": {"result": None},
    "no answer": {},
    "an empty text": {"result": ""},
    "no bytes": {"result": "0x"},
    "odd digits": {"result": "0xabc"},
    "a word": {"result": "nonsense"},
    "zero": {"result": "0x0"},
    "a number": {"result": 7},
    "a negative number": {"result": "-0x1"},
    "a huge number": {"result": hex(1 << 255)},
    "a number of 64 bits": {"result": hex((1 << 64) - 1)},
    "a megabyte": {"result": "0x" + "ff" * (1 << 20)},
    "a list": {"result": []},
    "a list of nothing": {"result": [None]},
    "an object": {"result": {}},
    "a truth": {"result": True},
}
#: In place of a field, or of a word in data.
FIELDS: dict[str, Any] = {
    "nothing": None,
    "no bytes": "0x",
    "zero": "0x0",
    "one": "0x1",
    "a huge number": hex(1 << 255),
    "a number": 7,
    "a word": "nonsense",
    "a list": ["0x00"],
    "an object": {"a": 1},
    "an address": "0x" + "13" * 20,
    "a digest": "0x" + "13" * 32,
}


def lies(questions: Mapping[str, int], node: Node) -> Iterator[tuple[str, Lie]]:
    """Every lie about every answer: at all times, and where a question comes often, at one only."""
    for question, times in questions.items():
        method = json.loads(question)[0]
        honest = node.known[question]
        told = [(name, _always(answer)) for name, answer in WHOLE.items()]
        told += [(name, change) for name, change in _changes(honest.get("result"), node)]
        for name, change in told:
            for time in (0, *range(1, min(times, 3) + 1)) if times > 1 else (0,):
                when = f", time {time}" if time else ""
                yield f"{method}{when}: {name}: {question[:300]}", (question, time, change)


def _always(answer: Answer) -> Callable[[Answer], Answer]:
    return lambda honest: deepcopy(answer)


def _changes(result: Any, node: Node) -> Iterator[tuple[str, Callable[[Answer], Answer]]]:
    """Lies that keep an answer's form."""
    if isinstance(result, str):
        for name, text in _texts(result):
            yield name, _always({"result": text})
    elif isinstance(result, dict):
        for name, item in _objects(result):
            yield name, _always({"result": item})
        for other in _others(result, node):
            yield "another one", _always({"result": other})
    elif isinstance(result, list):
        for at, log in enumerate(result):
            rest = result[:at], result[at + 1 :]
            yield f"without {at}", _always({"result": rest[0] + rest[1]})
            yield f"twice {at}", _always({"result": [*rest[0], log, log, *rest[1]]})
            for name, changed in _objects(log):
                yield f"{name} of {at}", _always({"result": [*rest[0], changed, *rest[1]]})
        yield "backwards", _always({"result": result[::-1]})
        yield "one of a thousand", _always({"result": result * 1000})


def _objects(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for field, item in value.items():
        yield f"without {field}", {name: one for name, one in value.items() if name != field}
        for name, lie in FIELDS.items():
            yield f"{field}: {name}", {**value, field: lie}
        if isinstance(item, str):
            for name, text in _texts(item):
                yield f"{field}: {name}", {**value, field: text}
        if field == "topics":
            for at, topic in enumerate(item):
                yield "one topic less", {**value, field: item[:at] + item[at + 1 :]}
                for name, text in _texts(topic):
                    yield (
                        f"topic {at}: {name}",
                        {**value, field: [*item[:at], text, *item[at + 1 :]]},
                    )


def _texts(text: str) -> Iterator[tuple[str, str]]:
    """Other bytes or another number: of data each word, of long ones the first and last."""
    if not text.startswith("0x") or len(text) > 100_000:
        return
    digits = text[2:]
    if len(digits) < 40:  # a number
        number = int(digits or "0", 16)
        for other in {max(0, number - 1), number + 1, 2 * number + 8}:
            yield f"the number {other - number:+}", hex(other)
        return
    yield "one byte less", text[:-2]
    yield "one byte more", text + "00"
    words = [at for at in range(0, len(digits), 64) if len(digits[at : at + 64]) >= 40]
    for at in words if len(words) <= 12 else (*words[:8], *words[-4:]):
        word = digits[at : at + 64]
        last = f"{int(word, 16) ^ 1:0{len(word)}x}"
        for name, other in (
            ("last bit", last),
            ("zeros", "0" * len(word)),
            ("ones", "f" * len(word)),
        ):
            yield f"word {at // 64}: {name}", "0x" + digits[:at] + other + digits[at + 64 :]


def _others(result: Mapping[str, Any], node: Node) -> list[Any]:
    """Other true answers of the same kind."""
    return [
        answer["result"]
        for answer in node.known.values()
        if isinstance(answer.get("result"), dict)
        and set(answer["result"]) == set(result)
        and answer["result"] != result
    ]
