"""The audit of a real proof on the embedded chain, seen through a node that is honest or lies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

import verifai
from tests.conftest import Pipeline
from verifai.audit import Policy, Report
from verifai.chain.generated.registry import Publication
from verifai.proof import KeyStore


@dataclass
class Tampering:
    """The chain behind a node that changes every record."""

    chain: Any
    changes: dict[str, Any]

    @property
    def registries(self) -> tuple[str, ...]:
        registries: tuple[str, ...] = self.chain.registries
        return registries

    @property
    def empty(self) -> bool:
        return bool(self.chain.empty)

    def published(self) -> Iterator[Any]:
        for record in self.chain.published():
            yield replace(record, **self.changes)

    def bundle(self, record: Any, key: Any) -> Any:
        return self.chain.bundle(record, key)

    def foreign(self, record: Any, key: Any) -> str:
        why: str = self.chain.foreign(record, key)
        return why

    def unestablished(self, record: Any, key: Any) -> str:
        why: str = self.chain.unestablished(record, key)
        return why

    def describe(self) -> dict[str, str | int]:
        described: dict[str, str | int] = self.chain.describe()
        return described


@pytest.fixture(scope="module")
def chain(tiny: Pipeline) -> Iterator[Any]:
    pytest.importorskip("web3")
    with verifai.chain.connect() as chain:
        chain.publish(tiny.proof, tiny.vk)
        yield chain


def passed(report: Report) -> dict[int | str, bool | None]:
    return {check.number: check.passed for check in report.entries[0].checks}


def test_an_honest_chain_is_verified(chain: Any, tiny: Pipeline) -> None:
    report = verifai.audit.run(chain, Policy(matching_contract=True), keys=[tiny.vk])
    assert (report.verdict, report.exit_code) == ("verified", 0)
    assert report.entries[0].statement == tiny.proof.statement
    assert set(passed(report).values()) == {True}
    assert any("development" in warning for warning in report.entries[0].warnings)


def test_a_contract_that_accepted_a_lie_does_not_make_it_true(chain: Any, tiny: Pipeline) -> None:
    record = next(chain.published())
    instances = (*record.call.instances[:-1], record.call.instances[-1] + 1)
    call = replace(record.call, instances=instances)
    lie = chain.bundle(replace(record, call=call), tiny.vk)
    changes = {
        "call": call,
        "bundle_digest": lie.digest,
        "statement_digest": lie.statement.digest,
    }
    report = verifai.audit.run(Tampering(chain, changes), keys=[tiny.vk])
    assert (report.verdict, report.exit_code) == ("false", 1)
    assert passed(report)[7] is False


def test_instances_that_are_no_public_values_are_foreign(chain: Any, tiny: Pipeline) -> None:
    record = next(chain.published())
    call = replace(record.call, instances=record.call.instances[:-1])
    report = verifai.audit.run(Tampering(chain, {"call": call}), keys=[tiny.vk])
    assert (report.verdict, report.exit_code) == ("foreign", 0)
    assert passed(report)["A3"] is False


@pytest.mark.parametrize("name", ["statement_digest", "bundle_digest"])
def test_a_strangers_copy_with_another_digest_is_foreign(tiny: Pipeline, name: str) -> None:
    """Through the contract: it takes what is no claim of any verifier's."""
    pytest.importorskip("web3")
    with verifai.chain.connect() as chain:
        receipt = chain.publish(tiny.proof, tiny.vk)
        (record,) = chain.published()
        digests = {
            "statement_digest": record.statement_digest,
            "bundle_digest": record.bundle_digest,
        }
        digests[name] = "11" * 32
        copy = Publication(record.verifier, record.key_digest, call=record.call, **digests)
        chain.transact(receipt.contract, copy.calldata(), "a stranger's copy")
        report = verifai.audit.run(chain, keys=[tiny.vk])
    assert [entry.verdict for entry in report.entries] == ["verified", "foreign"]
    assert (report.verdict, report.exit_code) == ("verified", 0)
    assert report.entries[1].reason.startswith(f"its event names the {name.split('_')[0]} 1111")
    assert [c.passed for c in report.entries[1].checks if c.number == 7] == [True]


def test_a_missing_backend_is_unchecked(
    chain: Any, tiny: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    from verifai.backends.ezkl import process

    monkeypatch.setattr(process.importlib.util, "find_spec", lambda name: None)
    report = verifai.audit.run(chain, keys=[tiny.vk])
    assert report.verdict == "unchecked"
    assert report.exit_code == 6  # this machine lacks something, the chain does not
    assert "ezkl" in report.entries[0].reason


def test_the_default_key_store_is_used(chain: Any, tiny: Pipeline) -> None:
    assert KeyStore().get(tiny.vk.digest) is not None  # publishing put it there
    assert verifai.audit.run(chain).verdict == "verified"


def test_an_embedded_chain_without_a_registry_is_known_to_be_empty() -> None:
    pytest.importorskip("web3")
    with verifai.chain.connect() as empty:
        report = verifai.audit.run(empty)
    assert (report.verdict, report.exit_code) == ("empty", 0)
    assert report.headline() == "Nothing is published."
