"""Routers, systems, verifiers, circuits and proofs in every combination, as an audit sees them.

A record is honest if its circuit is the key's and its proof is true. Whoever accepted it, that much
is verified offline; who accepted it is said only where it is established.
"""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("verifai._native", reason="the proving core is not built")

import verifai
from tests.hostile.audits import Combination, checked, combinations, examined
from tests.hostile.forged import forged
from tests.hostile.parrots import creation
from tests.hostile.published import (
    NATIVE,
    SHIPPED,
    Strangers,
    bound,
    circuits,
    key,
    proved,
    seen,
)
from tests.needs import skip_without
from verifai.backends import EvmCall
from verifai.chain import connect
from verifai.chain.generated.registry import Publication
from verifai.chain.shipped import interface
from verifai.compact.table import circuit_id
from verifai.contracts.shipped import artefact
from verifai.verifier.native.keccak import keccak256

skip_without("eth_tester")


@pytest.fixture(scope="module")
def strangers() -> Any:
    with connect() as chain:
        yield Strangers(chain)


@pytest.fixture(scope="module")
def found(strangers: Strangers) -> list[tuple[Combination, Any]]:
    return list(examined(strangers))


def test_nothing_false_is_verified_and_nothing_honest_is_false(found: Any) -> None:
    assert len(found) >= 30
    for combination, entry in found:
        told = (combination.name, entry.verdict, entry.reason)
        assert (entry.verdict == "verified") == combination.honest, told
        if combination.honest:
            assert entry.statement == combination.proof.statement
        if combination.circuit.name != "own":
            assert entry.verdict in ("foreign", "unchecked"), told
        # The shipped verifier refuses what is not true; of others nothing counts against the key.
        assert entry.verdict != "false", told


def test_who_accepted_is_named_only_where_it_is_established(found: Any) -> None:
    for combination, entry in found:
        (a5,) = (check for check in entry.checks if check.number == "A5")
        if combination.honest:
            assert a5.passed is combination.place.genuine, (combination.name, a5.detail)
            assert bool(a5.detail) is not combination.place.genuine
        if not combination.place.shipped:
            assert entry.record["verifier"] != SHIPPED, combination.name


def test_a_strangers_table_under_a_keys_digest_is_foreign(found: Any, strangers: Any) -> None:
    """In the honest registry too: it is neither false nor verified, and changes no exit code."""
    rows = [
        (combination, entry)
        for combination, entry in found
        if combination.place.genuine and combination.circuit.name == "changed"
    ]
    assert rows
    for combination, entry in rows:
        assert (entry.verdict, entry.exit_code) == ("foreign", 0), (combination.name, entry.reason)
    chain = seen(strangers.chain.web3, rows[0][0].place.registry)
    report = verifai.audit.run(chain, keys=[key(1)])
    assert (report.verdict, report.exit_code) == ("verified", 0)
    assert "foreign to the key" in report.headline()


#: What the registry takes as a context, and no statement has.
CONTEXTS = [
    b"hello",
    b'{"job": 1}',
    b'{"a":1,"a":1}',
    b'{"b":1,"a":1}',
    b'{"a":1.5}',
    b'{"a":-1}',
    b'{"a":true}',
    b'{"a":[1]}',
    b'{"a":"\xc3\xa9"}',
    b'{"a":"\\ud800"}',
    b'{"a":"' + b"x" * 2000 + b'"}',
    b"\xff\xfe",
    b"{}",
    b"null",  # bound to its digest, where no context is bound to zeros
    b"[" * 200 + b"]" * 200,
]


def test_a_true_proof_about_what_no_statement_can_say_is_foreign() -> None:
    """Anyone who can prove chooses the bytes that a proof is bound to."""
    honest = proved(1, job=1)
    with connect() as chain:
        registry = chain.publish(honest, key(1)).contract
        for context in CONTEXTS:
            words, argument = bound(1, keccak256(context))
            arguments = (NATIVE, circuits()[0].id, context, words, argument)
            data = interface("NativeProofRegistry").call("publish", *arguments)
            chain.transact(registry, data, "a stranger's transaction")
        report = verifai.audit.run(seen(chain.web3, registry), keys=[key(1)])
    first, *others = report.entries
    assert (first.verdict, first.statement) == ("verified", honest.statement)
    for context, entry in zip(CONTEXTS, others, strict=True):
        assert (entry.verdict, entry.exit_code) == ("foreign", 0), (context, entry.reason)
        assert entry.reason.startswith("it is no statement of this key: No statement has its cont")
        assert entry.statement is None
    assert (report.verdict, report.exit_code) == ("verified", 0)
    checked(report)


def test_a_record_of_another_proof_system_is_none_of_a_native_key() -> None:
    """A registry of other proofs takes any key's digest, and any contract that accepts."""
    with connect() as chain:
        registry = chain.transact(None, artefact("ProofRegistry").creation, "a registry")[
            "contractAddress"
        ]
        accepts = creation(bytes.fromhex("600160005260206000f3"))
        verifier = chain.transact(None, accepts, "a contract")["contractAddress"]
        lie = Publication(verifier, key(1).digest, "11" * 32, "22" * 32, EvmCall(b"", (1,)))
        chain.transact(registry, lie.calldata(), "a stranger's transaction")
        report = verifai.audit.run(seen(chain.web3, registry), keys=[key(1)])
    (entry,) = report.entries
    assert (entry.verdict, entry.exit_code) == ("foreign", 0), entry.reason


def test_the_shipped_verifier_takes_no_false_proof(strangers: Any) -> None:
    """What the rows above lack because the chain refuses it; of another key it is none of these."""
    for combination in combinations(strangers):
        of_the_key = combination.circuit.name != "other key's"
        if combination.place.shipped and of_the_key and not combination.true:
            assert not combination.publish(strangers)


def test_a_strangers_false_proof_of_nothing_under_a_keys_digest(strangers: Any) -> None:
    """Taken by the shipped verifier in the honest registry, and no record of the key."""
    shipped = interface("NativeVerifier")
    forgery = forged()
    circuit = circuit_id(forgery.table)
    chain, registry = strangers.chain, strangers.honest.registry
    chain.transact(SHIPPED, shipped.call("register", forgery.table), "registering")
    arguments = (NATIVE, circuit, b"", forgery.words, forgery.argument)
    data = interface("NativeProofRegistry").call("publish", *arguments)
    chain.transact(registry, data, "publishing")
    reader = seen(chain.web3, registry)
    *_, record = reader.published()
    assert record.key_digest == forgery.key.digest
    bundle = record.call.proof(forgery.key, 1)
    with pytest.raises(verifai.VerificationError, match="check 6"):
        verifai.verify(bundle, forgery.key)
    report = verifai.audit.run(reader, keys=[forgery.key])
    entry = report.entries[-1]
    assert (entry.verdict, entry.exit_code) == ("foreign", 0)
    assert [check.passed for check in entry.checks if check.number == "A5"] == [None]
    assert report.count("false") == 0
