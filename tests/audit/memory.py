"""An honest chain in memory, and a proof system that is for tests only.

Its proofs are the SHA-256 of the statement, so anyone can make one for anything, in microseconds.
The fixture ``system_for_tests`` puts it in the place of ``ezkl`` in the verifier's table.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from verifai.errors import MalformedError, VerificationError
from verifai.proof import Guarantees, Proof, Statement, TensorClaim, TensorSpec, VerifyingKey

CODE = "0x" + "c0" * 32
LOGITS = (912, -310, 105, -64, -420, 77, 233, -198, 61, 18)


def prove_for_tests(statement: Statement) -> bytes:
    return hashlib.sha256(b"for tests only" + statement.digest.encode()).digest()


def proof_bytes(key, statement):
    """The length that the key names, as for every system without batches."""
    return key.proof_bytes


def check(key: VerifyingKey, statement: Statement, argument: bytes) -> None:
    if argument != prove_for_tests(statement):
        raise VerificationError("the system for tests refuses it", check=7)


def make_key(
    *, model: str = "5c" * 32, srs: str = "ceremony", name: str = "image", hiding: bool = True
) -> VerifyingKey:
    return VerifyingKey(
        model=model,
        circuit="c1" * 32,
        weights="private",
        inputs=(TensorSpec(name, (1, 1, 12, 12), 7, "public"),),
        outputs=(TensorSpec("logits", (1, 10), 7, "public"),),
        guarantees=Guarantees("ezkl", "test", hiding, srs, "5e" * 32),
        proof_bytes=32,
        material=(b"a", b"b", b"c"),
    )


def picture() -> tuple[int, ...]:
    """A ring, 12 by 12: something to look at."""
    y, x = np.mgrid[:12, :12] - 5.5
    ring = np.clip(1.6 - np.abs(np.hypot(x / 0.85, y) - 3.6), 0, 1)
    return tuple(int(value) for value in np.rint(128 * ring).ravel())


def make_proof(key: VerifyingKey, **changes: Any) -> Proof:
    statement = key.statement(
        [TensorClaim(key.inputs[0], integers=picture())],
        [TensorClaim(key.outputs[0], integers=LOGITS)],
    )
    statement = replace(statement, **changes)
    return Proof.of(statement, prove_for_tests(statement))


@dataclass(frozen=True)
class Record:
    """As ``verifai.chain.Published``; here ``call`` is the bundle's bytes."""

    key_digest: str
    statement_digest: str
    bundle_digest: str
    call: bytes | None
    problem: str | None = None
    verifier_code_hash: str = CODE
    block_number: int = 19_000_001
    block_time: int = 0
    gas_used: int = 612_408
    publisher: str = "0x71C7656EC7ab88b098defB751B7401B5f6d8976F"
    verifier: str = "0xFABB0ac9d68B0B445fB7357272Ff202C5651694a"
    registry: str = "0x1CBd3b2770909D4e10f157cABC84C7264073C9Ec"
    transaction_hash: str = "0x" + "7a" * 32
    chain_id: str = "eip155:31337"
    system: str = ""
    router: str = ""


def publish(proof: Proof, **changes: Any) -> Record:
    record = Record(
        proof.statement.verifying_key,
        proof.statement.digest,
        proof.digest,
        proof.to_bytes(),
        block_time=int(time.time()) - 60,
    )
    return replace(record, **changes)


@dataclass
class MemoryChain:
    """What was handed in, told as it is; ``fails`` maps a method to the error it raises."""

    records: list[Any]
    fails: dict[str, Exception] = field(default_factory=dict)
    dies_after: int | None = None
    registries: tuple[str, ...] = ("0x1CBd3b2770909D4e10f157cABC84C7264073C9Ec",)
    empty: bool = False

    def _maybe(self, method: str) -> None:
        if method in self.fails:
            raise self.fails[method]

    def published(self) -> Iterator[Any]:
        for number, record in enumerate(self.records):
            if number == self.dies_after:
                self._maybe("published")
            yield record

    def bundle(self, record: Record, key: VerifyingKey) -> Proof:
        self._maybe("bundle " + record.transaction_hash[-2:])
        if not record.call:
            raise MalformedError("The calldata are no call of this key's verifier.")
        return Proof.from_bytes(record.call)

    def foreign(self, record: Record, key: VerifyingKey) -> str:
        self._maybe("foreign")
        return "" if record.verifier_code_hash == CODE else "its code is another"

    def unestablished(self, record: Record, key: VerifyingKey) -> str:
        self._maybe("unestablished")
        return self.foreign(record, key)

    def describe(self) -> dict[str, str | int]:
        self._maybe("describe")
        return {"chain_id": "eip155:31337", "node": "http://127.0.0.1:8545"}
