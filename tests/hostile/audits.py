"""Audits of what strangers published, and through nodes that lie; what each came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from unittest import mock

import verifai
from tests.hostile.published import (
    Circuit,
    Place,
    Strangers,
    circuits,
    key,
    proofs,
    proved,
    seen,
)
from verifai.audit import Report
from verifai.audit.html import render
from verifai.chain import connect
from verifai.cli.chain_options import Unreachable
from verifai.errors import VerifaiError

if TYPE_CHECKING:
    from tests.hostile.nodes import Node


@dataclass(frozen=True)
class Combination:
    """A record that somebody tries to have recorded."""

    place: Place
    circuit: Circuit
    proof: Any
    key: Any
    true: bool

    @property
    def name(self) -> str:
        return f"{self.place.name}; circuit: {self.circuit.name}; proof: {self.true}"

    @property
    def honest(self) -> bool:
        """Whether it is a record of the first key, and true."""
        return self.true and self.circuit.name == "own"

    def publish(self, strangers: Strangers) -> bool:
        """Whether the chain took it."""
        return strangers.publish(self.place, self.circuit, self.proof, self.key)


def combinations(strangers: Strangers) -> Iterator[Combination]:
    """Every place with every circuit and every proof."""
    true, false, others = proofs()
    for place in strangers.places:
        for circuit in circuits():
            for proof, vk, holds in (
                (true, key(1), True),
                (false, key(1), False),
                (others, key(2), False),  # of the key that the record will claim
            ):
                yield Combination(place, circuit, proof, vk, holds)


def examined(strangers: Strangers) -> Iterator[tuple[Combination, Any]]:
    """What the chain took, each with the entry of an audit that has the first key."""
    taken: dict[str, list[Combination]] = {}
    for combination in combinations(strangers):
        genuine_other = combination.place.shipped and combination.circuit.name == "other key's"
        if not genuine_other and combination.publish(strangers):
            taken.setdefault(combination.place.registry, []).append(combination)
    with remembered():
        for registry, those in taken.items():
            chain = seen(strangers.chain.web3, registry)
            report = verifai.audit.run(chain, keys=[key(1)])
            checked(report)
            assert report.problems == ()
            yield from zip(those, report.entries, strict=True)


def remembered() -> Any:
    """Pure functions that every audit calls with the same arguments, computed once.

    The proofs' checks and the signatures' recovery take most of the time of an audit.
    """
    from verifai.audit import examine
    from verifai.evm.transactions import shown

    outcomes: dict[tuple[str, str], Any] = {}
    honest = examine.verify

    def verify(proof: Any, key: Any, context: Any) -> Any:
        which = (proof.digest, key.digest)
        if which not in outcomes:
            try:
                outcomes[which] = honest(proof, key, context)
            except verifai.VerificationError as error:
                outcomes[which] = error
        if isinstance(outcomes[which], Exception):
            raise outcomes[which]
        return outcomes[which]

    patches = mock.patch.multiple(examine, verify=verify)
    reading = mock.patch.multiple(shown, read=lru_cache(maxsize=256)(shown.read))
    return _both(patches, reading)


class _both:
    def __init__(self, *patches: Any) -> None:
        self._patches = patches

    def __enter__(self) -> None:
        for patch in self._patches:
            patch.start()

    def __exit__(self, *_: object) -> None:
        for patch in self._patches:
            patch.stop()


def checked(report: Report) -> None:
    """A report that can be shown, saved and read back."""
    assert Report.from_json(report.to_json()) == report
    render(report)
    assert repr(report).isprintable()


@dataclass
class Scene:
    """Three honest records: one inference, a batch, committed tensors."""

    node: Node
    registry: str
    keys: list[Any]
    proofs: dict[str, Any]
    publisher: str

    def audit(self, node: Node) -> Report:
        chain: Any
        try:
            chain = seen(node.web3(), self.registry)
        except VerifaiError as error:  # as the command does
            chain = Unreachable(error)
        return verifai.audit.run(chain, keys=self.keys)


def scene() -> Scene:
    from tests.hostile.nodes import Node  # a provider, by a class of web3

    made = [(proofs()[0], key(1)), (proved(1, 3), key(1)), (proved(3, job=2), key(3))]
    with connect() as chain:
        receipts = [chain.publish(proof, vk) for proof, vk in made]
        (registry,) = {receipt.contract for receipt in receipts}
        told = {r.transaction_hash: proof for r, (proof, _) in zip(receipts, made, strict=True)}
        node = Node(chain.web3)
        who = str(chain.connection.sender.address)
        found = Scene(node, registry, [key(1), key(3)], told, who)
        with remembered():
            report = found.audit(node)
        assert report.verdict == "verified", report
    return found


def wrong(scene: Scene, report: Report) -> list[str]:
    """What a report says that is not so, or leaves out without a word."""
    found = []
    verified = set()
    for entry in report.entries:
        record = entry.record
        if entry.verdict in ("false", "foreign", "policy"):
            found.append(f"honest, and {entry.verdict}: {entry.reason}")
        if entry.verdict == "verified":
            honest = scene.proofs.get(str(record["transaction_hash"]))
            if honest is None or entry.statement != honest.statement:
                found.append("verified, and never published")
            if record["publisher"] != scene.publisher:
                found.append(f"verified, and published by {record['publisher']}")
            verified.add(record["transaction_hash"])
    if report.exit_code == 0 and verified != set(scene.proofs):
        found.append(f"{len(verified)} of {len(scene.proofs)} records, and no error")
    return found


def lying(scene: Scene, every: int = 1) -> Iterator[tuple[str, Report]]:
    """The audit through each node that lies once, or each so many-th lie about each method;
    ``wrong`` judges it."""
    from tests.hostile.nodes import lies

    with remembered():
        asked = scene.node.listening()
        scene.audit(asked)
        told: Counter[str] = Counter()
        for name, lie in lies(asked.questions, scene.node):
            told[method(name)] += 1
            if told[method(name)] % every != 1 % every:
                continue
            report = scene.audit(scene.node.lying(lie))
            checked(report)
            yield name, report


def method(lie: str) -> str:
    """What a lie, by its name, is about."""
    return lie.split(":")[0].split(",")[0]


def figures() -> dict[str, Any]:
    """What ``docs/security.md`` says of audits; a full run takes some minutes."""
    with connect() as chain:
        strangers = Strangers(chain)
        tried = sum(1 for _ in combinations(strangers))
        found = list(examined(strangers))
    honest = scene()
    told: Counter[str] = Counter()
    believed = 0
    for name, report in lying(honest):
        told[method(name)] += 1
        believed += bool(wrong(honest, report))
    return {
        "combinations": tried,
        "recorded": len(found),
        "verified": sum(entry.verdict == "verified" for _, entry in found),
        "wrong": sum((entry.verdict == "verified") != c.honest for c, entry in found),
        "lies": dict(sorted(told.items())),
        "believed": believed,
    }
