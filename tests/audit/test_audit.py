"""Everything published is checked again; what could not be checked is never called false."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import verifai
from tests.conftest import Pipeline
from verifai.audit import Policy, Report
from verifai.audit.report import report_schema
from verifai.errors import EnvironmentFault, MalformedError, NetworkError, UsageError
from verifai.proof import KeyStore


@dataclass
class Tampering:
    """A real embedded chain seen through a node that lies, or dies."""

    chain: Any
    changes: dict[str, Any]
    dies_after: int | None = None
    code: str | None = None

    @property
    def registries(self) -> tuple[str, ...]:
        registries: tuple[str, ...] = self.chain.registries
        return registries

    def published(self) -> Iterator[Any]:
        for count, record in enumerate(self.chain.published()):
            if count == self.dies_after:
                raise NetworkError("The node stopped answering.")
            yield replace(record, **self.changes)
        if self.dies_after is not None:
            raise NetworkError("The node stopped answering.")

    def bundle(self, record: Any, key: Any) -> Any:
        return self.chain.bundle(record, key)

    def expected_code_hash(self, vk: Any) -> str:
        if self.code == "no compiler":
            raise EnvironmentFault("The compiler is missing.")
        return self.code or self.chain.expected_code_hash(vk)

    def describe(self) -> dict[str, str | int]:
        described: dict[str, str | int] = self.chain.describe()
        return described


@pytest.fixture(scope="module")
def chain(tiny: Pipeline) -> Iterator[Any]:
    pytest.importorskip("web3")
    with verifai.chain.connect() as chain:
        chain.publish(tiny.proof, tiny.vk)
        yield chain


def passed(report: Report, entry: int = 0) -> dict[int | str, bool | None]:
    return {check.number: check.passed for check in report.entries[entry].checks}


def test_an_honest_chain_is_verified(chain: Any, tiny: Pipeline) -> None:
    report = verifai.audit.run(chain, keys=[tiny.vk])
    assert (report.verdict, report.exit_code) == ("verified", 0)
    assert report.entries[0].statement == tiny.proof.statement
    results = passed(report)
    assert results.pop("A6") is None
    assert set(results.values()) == {True}
    assert any("development" in warning for warning in report.entries[0].warnings)


D = "ab" * 32


@pytest.mark.parametrize(
    ("changes", "check"), [({"bundle_digest": D}, "A3"), ({"statement_digest": D}, "A4")]
)
def test_a_claim_that_calldata_contradict_is_false(
    chain: Any, tiny: Pipeline, changes: dict[str, Any], check: str
) -> None:
    report = verifai.audit.run(Tampering(chain, changes), keys=[tiny.vk])
    assert (report.verdict, report.exit_code) == ("false", 1)
    assert passed(report)[check] is False
    assert passed(report)[7] is None


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
    assert report.verdict == "false"
    assert passed(report)[7] is False
    assert report.headline().startswith("1 published proof: 1 FALSE")


@pytest.mark.parametrize(
    ("changes", "code", "keys", "check"),
    [
        ({"call": None, "problem": "sent through another contract"}, None, True, "A1"),
        ({}, None, False, "A2"),
    ],
)
def test_what_cannot_be_checked_is_unchecked_not_false(
    chain: Any, tiny: Pipeline, changes: Any, code: Any, keys: bool, check: str
) -> None:
    report = verifai.audit.run(Tampering(chain, changes, code=code), keys=[tiny.vk] * keys)
    assert (report.verdict, report.exit_code) == ("unchecked", 7)
    assert passed(report)[check] is None
    assert False not in passed(report).values()


def test_a_missing_backend_is_unchecked(
    chain: Any, tiny: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    from verifai.backends.ezkl import process

    monkeypatch.setattr(process.importlib.util, "find_spec", lambda name: None)
    report = verifai.audit.run(Tampering(chain, {}, code="0x00"), keys=[tiny.vk])
    assert report.verdict == "unchecked"
    assert "ezkl" in report.entries[0].reason


def test_a_node_that_dies_is_said_first(chain: Any, tiny: Pipeline) -> None:
    report = verifai.audit.run(Tampering(chain, {}, dies_after=1), keys=[tiny.vk])
    assert (report.verdict, report.exit_code) == ("unchecked", 7)
    assert report.headline().startswith("The history could not be read")
    assert report.entries[0].verdict == "verified"


def test_an_unknown_registry_is_not_an_empty_one() -> None:
    pytest.importorskip("web3")
    with verifai.chain.connect() as empty:
        report = verifai.audit.run(empty)
    assert report.verdict == "unchecked"
    assert "No registry is known" in report.headline()


def test_another_contract_is_shown_and_can_be_forbidden(chain: Any, tiny: Pipeline) -> None:
    other = Tampering(chain, {}, code="0x" + D)
    report = verifai.audit.run(other, keys=[tiny.vk])
    assert report.verdict == "verified"
    assert any("another contract" in warning for warning in report.entries[0].warnings)
    strict = Policy(matching_contract=True)
    assert verifai.audit.run(other, strict, keys=[tiny.vk]).exit_code == 4
    unknown = Tampering(chain, {}, code="no compiler")
    assert verifai.audit.run(unknown, strict, keys=[tiny.vk]).exit_code == 4
    assert verifai.audit.run(chain, strict, keys=[tiny.vk]).exit_code == 0


@pytest.mark.parametrize(
    "policy",
    [
        Policy(models=(D,)),
        Policy(keys=(D,)),
        Policy(srs=("ceremony",)),
        Policy(zero_knowledge=False),
        Policy(minimum_proofs=2),
    ],
)
def test_each_demand_can_fail(chain: Any, tiny: Pipeline, policy: Policy) -> None:
    report = verifai.audit.run(chain, policy, keys=[tiny.vk])
    assert (report.verdict, report.exit_code) == ("policy", 4)


def test_age_is_measured_from_the_block(chain: Any, tiny: Pipeline) -> None:
    old = Tampering(chain, {"block_time": 1})
    assert verifai.audit.run(old, Policy(maximum_age_seconds=60), keys=[tiny.vk]).exit_code == 4


def test_policies_are_read_strictly(tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps({"srs": ["ceremony"], "minimum_proofs": 1}))
    assert Policy.load(path) == Policy(srs=("ceremony",), minimum_proofs=1)
    for text in (
        '{"srss": []}',
        '{"srs": ["magic"]}',
        '{"srs": "ceremony"}',
        '{"models": ["xyz"]}',
        '{"zero_knowledge": 1}',
        '{"minimum_proofs": -1}',
        '{"matching_contract": null}',
        "[]",
        "{",
        "[" * 100_000,
    ):
        path.write_text(text)
        with pytest.raises(MalformedError):
            Policy.load(path)
    with pytest.raises(MalformedError):
        Policy.load(tmp_path / "missing.json")


def test_toml_policies_may_hold_comments(tmp_path: Path) -> None:
    pytest.importorskip("tomllib")
    path = tmp_path / "policy.toml"
    path.write_text("# only real ceremonies\nsrs = ['ceremony']\n")
    assert Policy.load(path) == Policy(srs=("ceremony",))


def test_reports_round_trip_and_fit_their_schema(
    chain: Any, tiny: Pipeline, tmp_path: Path
) -> None:
    report = verifai.audit.run(Tampering(chain, {"bundle_digest": D}), Policy(), keys=[tiny.vk])
    path, _ = report.save(tmp_path / "out")
    assert Report.load(path) == report
    jsonschema.validate(json.loads(path.read_bytes()), json.loads(report_schema()))
    edited = path.read_bytes().replace(b'"verdict":"false"', b'"verdict":"verified"')
    path.write_bytes(edited)
    with pytest.raises(MalformedError):
        Report.load(path)


def test_a_report_does_not_land_among_other_files(
    chain: Any, tiny: Pipeline, tmp_path: Path
) -> None:
    report = verifai.audit.run(chain, keys=[tiny.vk])
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UsageError, match="other files"):
        report.save(tmp_path)
    report.save(tmp_path / "a")
    report.save(tmp_path / "a")


def test_the_default_key_store_is_used(chain: Any, tiny: Pipeline) -> None:
    assert KeyStore().get(tiny.vk.digest) is not None  # publishing put it there
    assert verifai.audit.run(chain).verdict == "verified"
