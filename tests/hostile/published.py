"""Honest keys, their proofs, and a chain that strangers publish on too."""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tests.hostile.forged import key_of
from tests.hostile.parrots import Saying, creation, parrot
from tests.soundness.proofs import development, native, raw
from tests.verifier.circuits import Circuit as Small
from tests.verifier.circuits import relu, sample
from verifai.chain import Chain
from verifai.chain.connection import Connection
from verifai.chain.deploy import DELAY, system_id
from verifai.chain.deployments import Deployments
from verifai.chain.native.circuits import circuit_table
from verifai.chain.native.system import native_system
from verifai.chain.shipped import interface
from verifai.compact.table import circuit_id
from verifai.compact.words import statement_words, words_from
from verifai.contracts.shipped import artefact
from verifai.evm.create2 import PROXY, SALT, create2_address
from verifai.evm.node.faults import RevertedError
from verifai.evm.transactions.sender import Sender
from verifai.proof import Proof, VerifyingKey
from verifai.proof.codec import canonical_json
from verifai.verifier.native.calldata import statement_of
from verifai.verifier.native.check import context_bytes

#: The address of this package's verifier, wherever it is deployed.
SHIPPED = create2_address(artefact("NativeVerifier").creation)
NATIVE, SECOND, LATE, LATER = native_system(), *map(system_id, ("second", "late", "later"))


@functools.cache
def small(number: int, batch: int = 1) -> Small:
    """A ReLU without weights, written by hand; 3 has commitments in place of public tensors."""
    log_columns = {1: 5, 2: 6, 3: 7}[number]
    c = Small(batch, log_columns)
    x = c.committed("input", sample(random.Random(number), (batch, 3, 5), -128, 127), [8], -128)
    c.inputs, c.outputs = [x], [relu(c, x, region="output")]
    if number == 3:
        c.visibility, c.hiding = dict.fromkeys([*c.inputs, *c.outputs], "committed"), True
    return c


@functools.cache
def key(number: int) -> VerifyingKey:
    """The verifying key of a small circuit."""
    return key_of(small(number), development(5).tau_g2)


@functools.cache
def proved(number: int, batch: int | None = None, job: int | None = None) -> Proof:
    """A true proof under a key, about a job or nothing."""
    context = None if job is None else {"job": job}
    words, argument = bound(number, context_bytes(context), batch or 1)
    return Proof.of(
        statement_of(key(number), batch, context, words_from(words), argument), argument
    )


def bound(number: int, context: bytes, batch: int = 1) -> tuple[bytes, bytes]:
    """A true proof under a key that is bound to any 32 bytes: public words as a chain takes them,
    and the proof."""
    circuit = small(number, batch)
    srs = development(circuit.log_columns)
    prover = native().Prover(key(number).header_digest, circuit.table_bytes(), [], srs, None)
    committed = [
        np.array(value, dtype=np.int64)
        for value, node in zip(circuit.values, circuit.nodes, strict=True)
        if node["kind"] == "committed"
    ]
    words, argument = prover.prove(batch, raw(committed), context)
    assert not any(any(words[at : at + 16]) for at in range(0, len(words), 32))
    return b"".join(words[at + 16 : at + 32] for at in range(0, len(words), 32)), argument


@functools.cache
def proofs() -> tuple[Proof, Proof, Proof]:
    """A true proof of the first key, the same with another output, one of another key."""
    true = proved(1, job=1)
    claim = true.statement.output
    wrong = replace(claim, integers=(claim.integers[0] ^ 1, *claim.integers[1:]))
    false = Proof.of(replace(true.statement, outputs=(wrong,)), true.argument)
    return true, false, proved(2)


@dataclass(frozen=True)
class Circuit:
    """What a record may be about: an identifier, and the table that a stranger's verifier shows."""

    name: str
    id: bytes
    table: bytes | None


@functools.cache
def circuits() -> tuple[Circuit, ...]:
    """The key's own; a table of a stranger's under the key's digest; another key's; none."""
    own, other = circuit_table(key(1), 1), circuit_table(key(2), 1)
    # Room for one number more, which nothing uses.
    changed = own[:122] + (int.from_bytes(own[122:125], "big") + 1).to_bytes(3, "big") + own[125:]
    assert changed[:32] == own[:32]
    found = [Circuit("own", circuit_id(own), own), Circuit("other key's", circuit_id(other), other)]
    found.append(Circuit("changed", circuit_id(changed), changed))
    return (*found, Circuit("no table", b"\x01" * 32, None))


@dataclass(frozen=True)
class Place:
    """A registry, the name of a system in its router, and what is true of them.

    Attributes:
        genuine: registry, router and verifier are this package's, from the beginning.
        shipped: proofs are verified by this package's verifier.
    """

    name: str
    registry: str
    system: bytes
    genuine: bool
    shipped: bool


class Strangers:
    """Routers and verifiers of everybody's on one chain."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.me = str(chain.connection.sender.address)
        self.honest = chain.deploy()
        for circuit in circuits():
            if circuit.table is not None:
                self._send(SHIPPED, interface("NativeVerifier").call("register", circuit.table))
        liar = self._parrot(self._verifier())
        self.places = tuple(self._places(liar))

    def _places(self, liar: str) -> Any:
        both = self._router([(NATIVE, SHIPPED), (SECOND, liar)])
        turned = self._router([(NATIVE, liar), (SECOND, SHIPPED)])
        late = self._router([(NATIVE, SHIPPED)], [(LATE, liar), (LATER, SHIPPED)])
        alike = self._parrot(self._imitation())
        for name, router, system, genuine, shipped in (
            ("shipped", self.honest.router, NATIVE, True, True),
            ("two systems, the first", both, NATIVE, True, True),
            ("two systems, the second", both, SECOND, False, False),
            ("native is a liar", turned, NATIVE, False, False),
            ("shipped under another name", turned, SECOND, True, True),
            ("before later additions", late, NATIVE, True, True),
            ("a liar that came later", late, LATE, False, False),
            ("shipped, came later", late, LATER, False, True),
            ("a router of a stranger's", alike, NATIVE, False, False),
        ):
            creation_ = interface("NativeProofRegistry").deployment(router)
            registry = self._created(creation_)
            yield Place(name, registry, system, genuine, shipped)

    def publish(self, place: Place, circuit: Circuit, proof: Any, key: Any) -> bool:
        """Whether the chain took it."""
        words, context = statement_words(key, proof.statement), proof.statement.context
        text = b"" if context is None else canonical_json(dict(context))
        arguments = (place.system, circuit.id, text, words, bytes(proof.argument))
        try:
            self._send(place.registry, interface("NativeProofRegistry").call("publish", *arguments))
        except RevertedError:
            return False
        return True

    def _verifier(self) -> list[Saying]:
        """Accepts everything, and says of each circuit that it is the first key's."""
        digest = bytes.fromhex(key(1).digest)
        told = [Saying.of("NativeVerifier", "verify", [])]
        for circuit in circuits():
            at = "0x" + "00" * 20
            if circuit.table is not None:
                at = self._put(b"\0" + circuit.table)
            said = (digest, 1, 1, 1, True, True, at)
            told.append(Saying.of("NativeVerifier", "circuitInfo", *said, argument=circuit.id))
        return told

    def _imitation(self) -> list[Saying]:
        """Accepts everything, and answers like the honest router, with the shipped verifier."""
        digest = bytes.fromhex(key(1).digest)
        router = "VerifierRouter"
        return [
            Saying.of(router, "verify", digest, 16, []),
            Saying.of(router, "verifierOf", SHIPPED),
            Saying.of(router, "entries", SHIPPED, 1, 0),
            Saying.of(router, "DELAY", DELAY),
            Saying.of(router, "systemCount", 1),
            Saying.of(router, "systems", NATIVE),
            Saying.of(router, "owner", self.me),
        ]

    def _router(
        self, first: Sequence[tuple[bytes, str]], added: Sequence[tuple[bytes, str]] = ()
    ) -> str:
        names, verifiers = zip(*first, strict=True)
        shipped = interface("VerifierRouter")
        # Another delay gives another address.
        delay = DELAY + len(added) + 1
        router = self._created(shipped.deployment(self.me, delay, names, verifiers))
        for name, verifier in added:
            self._send(router, shipped.call("add", name, verifier))
        if added:
            self.chain.advance(2 * DELAY)
        return router

    def _created(self, code: bytes) -> str:
        address = create2_address(code)
        if not self.chain.connection.sender.code(address):
            self._send(PROXY, SALT + code)
        return address

    def _parrot(self, sayings: list[Saying]) -> str:
        return self._put(parrot(sayings))

    def _put(self, code: bytes) -> str:
        return str(self.chain.transact(None, creation(code), "a contract")["contractAddress"])

    def _send(self, to: str, data: bytes) -> None:
        self.chain.transact(to, data, "a stranger's transaction")


def seen(web3: Any, registry: str, url: str = "http://node.example") -> Chain:
    """A connection that only reads, to one registry."""
    return Chain(Connection(Sender(web3, None, url), Deployments("test", None), registry))
