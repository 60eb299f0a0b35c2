"""Every verdict, on a chain in memory: what could not be checked is never called false."""

from __future__ import annotations

import json
import re
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.audit.memory import MemoryChain, Record, make_key, make_proof, publish
from verifai.audit import Entry, Policy, Report, run
from verifai.audit.html import render
from verifai.audit.report import report_schema
from verifai.cli.main import main
from verifai.errors import LimitError, MalformedError, NetworkError, SetupError, UsageError
from verifai.evm.node.faults import RevertedError
from verifai.proof import KeyStore, Proof

pytestmark = pytest.mark.usefixtures("system_for_tests")

D = "ab" * 32
KEY = make_key()
PROOF = make_proof(KEY)
FORGED = Proof.of(PROOF.statement, bytes(32))
GONE = NetworkError("The node at http://127.0.0.1:8545 stopped answering.")


def audit(*records: Record, policy: Policy | None = None, **chain: Any) -> Report:
    return run(MemoryChain(list(records), **chain), policy, keys=[KEY])


def outcome(entry: Entry) -> dict[int | str, bool | None]:
    return {check.number: check.passed for check in entry.checks}


def failed_at(report: Report) -> list[int | str]:
    return [number for number, passed in outcome(report.entries[0]).items() if passed is False]


def test_all_verified() -> None:
    report = audit(publish(PROOF), publish(PROOF), policy=Policy(minimum_proofs=1))
    assert (report.verdict, report.exit_code) == ("verified", 0)
    assert report.headline() == "2 of 2 published proofs are verified."
    for entry in report.entries:
        assert list(outcome(entry)) == ["A1", "A2", "A3", "A4", "A5", 1, 2, 3, 4, 5, 6, 7, "A7"]
        assert set(outcome(entry).values()) == {True}
        assert entry.statement == PROOF.statement
        assert entry.warnings == []


@pytest.mark.parametrize(
    ("record", "check"),
    [
        (publish(Proof.of(PROOF.statement, bytes(32))), 7),
        (publish(replace(PROOF, argument=bytes(32))), 1),
        (publish(make_proof(KEY, circuit=D)), 3),
        (publish(Proof.of(PROOF.statement, bytes(33))), 6),
    ],
)
def test_a_refused_proof_is_named_by_its_check(record: Record, check: int | str) -> None:
    report = audit(record, publish(PROOF))
    assert (report.verdict, report.exit_code) == ("false", 1)
    assert failed_at(report) == [check]
    assert outcome(report.entries[0])["A7"] is None
    assert report.headline().startswith("1 of 2 published proofs is FALSE")
    assert report.entries[1].verdict == "verified"


@pytest.mark.parametrize(
    ("record", "chain", "check", "exit_code"),
    [
        (publish(PROOF, call=None, problem="sent through another contract"), {}, "A1", 7),
        (publish(PROOF, call=None), {}, "A1", 7),
        (publish(PROOF, key_digest=D), {}, "A2", 7),
        (publish(PROOF), {"fails": {"bundle 7a": GONE}}, "A3", 7),
        (publish(PROOF), {"fails": {"bundle 7a": LimitError("Too large.")}}, "A3", 7),
        (publish(PROOF), {"fails": {"bundle 7a": SetupError("No ezkl.")}}, "A3", 6),
        (publish(PROOF), {"fails": {"bundle 7a": ZeroDivisionError()}}, "A3", 7),
    ],
)
def test_what_cannot_be_checked_is_unchecked_not_false(
    record: Record, chain: dict[str, Any], check: str, exit_code: int
) -> None:
    other = publish(PROOF, transaction_hash="0x" + "7b" * 32)
    report = audit(record, other, **chain)
    assert (report.verdict, report.exit_code) == ("unchecked", exit_code)
    assert outcome(report.entries[0])[check] is None
    assert failed_at(report) == []
    assert report.entries[0].reason
    assert report.entries[1].verdict == "verified"  # one record never stops the others


def test_a_missing_proof_system_is_unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    from verifai.verifier import systems

    monkeypatch.setattr(systems, "_SYSTEMS", {})
    report = audit(publish(PROOF))
    assert (report.verdict, report.exit_code) == ("unchecked", 7)
    assert outcome(report.entries[0])[7] is None
    assert outcome(report.entries[0])[1] is None
    assert "ezkl" in report.entries[0].reason


def test_false_outweighs_unchecked_outweighs_policy() -> None:
    unknown, false = publish(PROOF, key_digest=D), publish(FORGED)
    strict = Policy(srs=("development",))
    assert audit(publish(PROOF), policy=strict).verdict == "policy"
    assert audit(publish(PROOF), unknown, policy=strict).verdict == "unchecked"
    report = audit(publish(PROOF), unknown, false, policy=strict)
    assert report.exit_code == 1
    assert report.headline() == (
        "1 of 3 published proofs is FALSE; 1 of 3 could not be checked; "
        "1 of 3 is valid but against the policy."
    )


@pytest.mark.parametrize("dies_after", [0, 1])
def test_a_node_that_dies_is_said_first(dies_after: int) -> None:
    records = [publish(PROOF), publish(PROOF)]
    report = audit(*records, fails={"published": GONE}, dies_after=dies_after)
    assert (report.verdict, report.exit_code) == ("unchecked", 7)
    assert report.headline().startswith("The history could not be read as a whole")
    assert [entry.verdict for entry in report.entries] == ["verified"] * dies_after


def test_a_node_that_is_not_there_still_gives_a_report(tmp_path: Path) -> None:
    chain = MemoryChain([], fails={"describe": GONE})
    report = run(chain, keys=[KEY], out=tmp_path / "out")
    assert (report.verdict, report.exit_code) == ("unchecked", 7)
    assert "stopped answering" in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_an_unknown_registry_is_not_an_empty_one() -> None:
    report = audit(registries=())
    assert (report.verdict, report.exit_code) == ("unchecked", 7)
    assert "No registry is known" in report.headline()


def test_an_empty_chain() -> None:
    assert (audit().verdict, audit().exit_code) == ("empty", 0)
    assert audit().headline() == "Nothing is published."
    report = audit(policy=Policy(minimum_proofs=1, required_models=(D,)))
    assert (report.verdict, report.exit_code) == ("policy", 4)
    assert report.headline().startswith(
        "1 verified proof demanded, 0 found; no verified proof under"
    )


def test_a_false_proof_does_not_count_towards_the_minimum() -> None:
    report = audit(publish(FORGED), policy=Policy(minimum_proofs=1))
    assert [problem.verdict for problem in report.problems] == ["policy"]


def test_another_contract_is_a_warning_and_can_be_forbidden() -> None:
    other = publish(PROOF, verifier_code_hash="0x" + D)
    strict = Policy(matching_contract=True)
    report = audit(other)
    assert report.verdict == "verified"
    assert outcome(report.entries[0])["A5"] is False
    assert any(
        "not shown to have been accepted" in warning for warning in report.entries[0].warnings
    )
    assert audit(other, policy=strict).exit_code == 4
    assert audit(publish(PROOF), policy=strict).exit_code == 0


NO_COMPILER = {name: SetupError("No compiler.") for name in ("foreign", "unestablished")}
FALSE = (
    publish(FORGED),
    publish(FORGED, bundle_digest=D),  # a wrong label is no way out
    publish(make_proof(KEY, circuit=D)),
)
MISLABELLED = (
    (publish(PROOF, bundle_digest=D), ["A3"], "its event names the bundle abab"),
    (publish(PROOF, statement_digest=D), ["A4"], "its event names the statement abab"),
    (publish(PROOF, statement_digest=D, bundle_digest=D), ["A3", "A4"], "its event names the bund"),
    (publish(PROOF, call=b""), ["A3"], "it is no statement of this key: The calldata are no call"),
)


@pytest.mark.parametrize(("record", "checks", "reason"), MISLABELLED)
def test_what_a_publisher_only_says_makes_no_proof_false(
    record: Record, checks: list[int | str], reason: str
) -> None:
    """Anyone can copy an honest publication, and change what no verifier sees."""
    strict = Policy(required_models=(KEY.model,), minimum_proofs=1)
    report = audit(record, publish(PROOF), policy=strict)
    assert [entry.verdict for entry in report.entries] == ["foreign", "verified"]
    assert (report.verdict, report.exit_code) == ("verified", 0)
    assert failed_at(report) == checks
    assert report.entries[0].reason.startswith(reason)
    assert Report.from_json(report.to_json()) == report
    alone = audit(record, policy=strict)
    assert (alone.count("verified"), alone.exit_code) == (0, 4)
    assert "What was claimed, not proved" not in render(alone)  # it was proved, beside a wrong name
    assert audit(record, fails=NO_COMPILER).exit_code == 0  # whoever accepted it


@pytest.mark.parametrize("record", FALSE)
def test_a_strangers_record_of_a_key_is_foreign(record: Record) -> None:
    """Anyone can publish a lie about a key, with a contract that accepts everything."""
    report = audit(replace(record, verifier_code_hash="0x" + D), publish(PROOF))
    assert [entry.verdict for entry in report.entries] == ["foreign", "verified"]
    assert (report.verdict, report.exit_code) == ("verified", 0)
    assert "1 of 2 is foreign" in report.headline().replace("published proofs ", "")
    alone = audit(replace(record, verifier_code_hash="0x" + D), policy=Policy(minimum_proofs=1))
    assert (alone.count("verified"), alone.exit_code) == (0, 4)
    assert audit(replace(record, verifier_code_hash="0x" + D)).verdict == "foreign"
    assert audit(record).verdict == "false"


@pytest.mark.parametrize("record", FALSE)
def test_whose_record_it_is_may_be_unknown(record: Record) -> None:
    report = audit(record, fails=NO_COMPILER)
    assert (report.verdict, report.exit_code) == ("unchecked", 7)
    assert "could not be found out: No compiler" in report.entries[0].reason


@pytest.mark.parametrize("method", ["describe", "published", "bundle 7a", "foreign"])
def test_no_error_of_any_class_ends_an_audit(method: str) -> None:
    reverted = RevertedError(b"", "no")
    for error in (reverted, ZeroDivisionError(), RecursionError(), KeyError("number")):
        false = publish(FORGED, transaction_hash="0x" + "7b" * 32)
        report = audit(publish(PROOF), false, fails={method: error}, dies_after=1)
        if method == "bundle 7a":
            assert [entry.verdict for entry in report.entries] == ["unchecked", "false"]
        else:
            assert (report.verdict, report.exit_code) == ("unchecked", 7)


def test_a_block_whose_time_nobody_says_has_no_known_age() -> None:
    record = publish(PROOF, block_time=None, gas_used=None)
    assert audit(record).verdict == "verified"
    assert audit(record, policy=Policy(maximum_age_seconds=60)).verdict == "policy"


def test_a_contract_that_cannot_be_compiled_is_skipped_with_the_reason() -> None:
    no_compiler = {"unestablished": SetupError("The compiler is missing.")}
    report = audit(publish(PROOF), fails=no_compiler)
    a5 = next(check for check in report.entries[0].checks if check.number == "A5")
    assert report.verdict == "verified"
    assert (a5.passed, a5.detail) == (None, "The compiler is missing.")
    strict = Policy(matching_contract=True)
    assert audit(publish(PROOF), policy=strict, fails=no_compiler).exit_code == 4


def test_a_models_name_is_the_keys_word() -> None:
    report = audit(publish(PROOF), policy=Policy(models=(D,), required_models=(D,)))
    said = (*PROOF.statement.sentences(), report.headline(), render(report))
    assert "The model that the key calls 5c5c5c5c5c5c5c5c was evaluated" in said[0]
    assert "the key calls its model 5c5c5c5c5c5c5c5c" in report.entries[0].reason
    assert "under a key that calls its model abab" in report.headline()
    assert not any(re.search(r"[Mm]odel [0-9a-f]{8,16} (was|is)", text) for text in said)


@pytest.mark.parametrize(
    "policy",
    [
        Policy(models=(D,)),
        Policy(required_models=(D,)),
        Policy(keys=(D,)),
        Policy(backends=("native",)),
        Policy(srs=("custom", "development")),
        Policy(zero_knowledge=False),
        Policy(minimum_proofs=2),
        Policy(maximum_age_seconds=30),
    ],
)
def test_each_demand_can_fail(policy: Policy) -> None:
    report = audit(publish(PROOF), policy=policy)
    assert (report.verdict, report.exit_code) == ("policy", 4)


def test_each_demand_can_be_met() -> None:
    policy = Policy(
        models=(KEY.model,),
        required_models=(KEY.model,),
        keys=(KEY.digest,),
        backends=("ezkl",),
        srs=("ceremony",),
        zero_knowledge=True,
        matching_contract=True,
        minimum_proofs=1,
        maximum_age_seconds=3600,
    )
    assert audit(publish(PROOF), policy=policy).exit_code == 0


def test_a_block_from_the_future_has_no_known_age() -> None:
    record = publish(PROOF, block_time=int(time.time()) + 100_000)
    assert audit(record).verdict == "verified"
    assert audit(record, policy=Policy(maximum_age_seconds=60)).verdict == "policy"


def test_weak_guarantees_are_warnings() -> None:
    key = make_key(srs="development", hiding=False)
    report = run(MemoryChain([publish(make_proof(key))]), keys=[key])
    assert report.verdict == "verified"
    assert [warning.split(":")[0] for warning in report.entries[0].warnings] == [
        "development reference string",
        "not zero-knowledge",
    ]


def test_keys_come_from_a_store_too(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    store.add(KEY)
    assert run(MemoryChain([publish(PROOF)]), keys=store).verdict == "verified"
    store.path(KEY.digest).write_bytes(b"junk")
    report = run(MemoryChain([publish(PROOF)]), keys=store)
    assert report.verdict == "unchecked"
    assert outcome(report.entries[0])["A2"] is None


@pytest.mark.parametrize("given", [5, "x", ["x"], [None], [KEY, 5], KEY, {"a": KEY}])
def test_what_are_no_keys_is_said_at_once(given: Any, tmp_path: Path) -> None:
    given = str(tmp_path / given) if given == "x" else given
    with pytest.raises(UsageError, match=r"An audit takes|No such folder"):
        run(MemoryChain([publish(PROOF)]), keys=given)


@pytest.mark.parametrize("policy", [{}, {"minimum_proofs": 1}, "policy.toml", 0])
def test_what_is_no_policy_is_said_at_once(policy: Any) -> None:
    with pytest.raises(UsageError, match="A policy is a Policy"):
        run(MemoryChain([publish(PROOF)]), policy, keys=[KEY])


def test_a_path_is_a_store(tmp_path: Path) -> None:
    file = KEY.save(tmp_path / "my.vfk")
    for given in (tmp_path, str(tmp_path), file, str(file), iter([KEY]), {KEY: 1}):
        assert run(MemoryChain([publish(PROOF)]), keys=given).verdict == "verified", given


def test_a_digest_kept_in_a_key_is_not_believed() -> None:
    """A key of somebody's own, put in the place of the one that the auditor trusts."""
    own = make_key(model="1f" * 32)
    forged = make_proof(own)
    record = publish(forged, key_digest=KEY.digest)
    own.__dict__["digest"] = KEY.digest
    assert own.digest == KEY.digest
    report = run(MemoryChain([record]), keys=[own])
    assert outcome(report.entries[0])["A2"] is None
    assert report.verdict == "unchecked"


def test_every_key_of_a_store_counts_whatever_its_name(tmp_path: Path) -> None:
    KEY.save(tmp_path / "verifying.vfk")
    other = make_key(model="1f" * 32)
    (tmp_path / "0.vfk").write_bytes(b"junk")
    (tmp_path / f"{D}.vfk").mkdir()
    records = [
        publish(PROOF),
        publish(make_proof(other)),
        publish(PROOF),
        publish(make_proof(other)),
    ]
    report = run(MemoryChain(records), keys=KeyStore(tmp_path))
    assert [entry.verdict for entry in report.entries] == ["verified", "unchecked"] * 2
    for entry in report.entries[1::2]:
        assert entry.reason.endswith(f"these are no keys: 0.vfk, {D}.vfk")
    assert list(KeyStore(tmp_path)) == [D]
    one = run(MemoryChain(records[:1]), keys=KeyStore(tmp_path / "verifying.vfk"))
    assert one.verdict == "verified"
    with pytest.raises(UsageError, match="No such folder or file"):
        run(MemoryChain(records), keys=KeyStore(tmp_path / "none"))


def test_the_command_says_why(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    chain = MemoryChain([publish(PROOF), publish(PROOF, key_digest=D), publish(FORGED)])
    monkeypatch.setattr("verifai.cli.audit.connect_each", lambda *_, **__: nullcontext([chain]))
    words = ["audit", "--keys", str(KEY.save(tmp_path / "my.vfk")), "--out", str(tmp_path / "out")]
    assert main(words) == 1
    printed = capsys.readouterr().out
    assert "proof 1 " not in printed
    missing = f"proof 2  unchecked: the key {D[:16]} is not in the key store: --keys names another"
    assert missing in printed
    assert "proof 3  false: check 7 (proof): the system for tests" in printed
    assert main([*words, "--keys", str(tmp_path / "none")]) == 3


def test_reports_round_trip_and_fit_their_schema(tmp_path: Path) -> None:
    report = audit(
        publish(PROOF),
        publish(FORGED),
        publish(PROOF, key_digest=D),
        policy=Policy(minimum_proofs=3, models=(KEY.model,)),
    )
    path, _ = report.save(tmp_path / "out")
    assert Report.load(path) == report
    assert Report.load(tmp_path / "out") == report
    value = json.loads(path.read_bytes())
    jsonschema.Draft202012Validator.check_schema(json.loads(report_schema()))
    jsonschema.validate(value, json.loads(report_schema()))
    assert value["entries"][0]["statement"]["outputs"][0]["integers"][0] == 912
    for old, new in (
        (b'"verdict":"false"', b'"verdict":"verified"'),
        (b'"exit_code":1', b'"exit_code":0'),
        (b'"warnings":[]', b'"warnings":["x"]'),
        (b'"problems":[', b'"problems":[7,'),
        (b'"checks":[', b'"checks":[7,'),
        (b'"chain":{', b'"chain":{"a":null,'),
        (b'{"chain"', b'{ "chain"'),
    ):
        edited = path.read_bytes().replace(old, new)
        assert edited != path.read_bytes()
        (tmp_path / "edited.json").write_bytes(edited)
        with pytest.raises(MalformedError):
            Report.load(tmp_path / "edited.json")


def test_a_report_replaces_a_report_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "out"
    chain = MemoryChain([publish(PROOF)])
    run(chain, keys=[KEY], out=out)
    run(chain, keys=[KEY], out=out)
    assert {path.name for path in out.iterdir()} == {"report.json", "report.html"}
    (out / "thesis.tex").touch()
    chain.fails["describe"] = AssertionError("the folder is looked at before the chain")
    with pytest.raises(UsageError, match="other files"):
        run(chain, keys=[KEY], out=out)
    (out / "thesis.tex").unlink()
    (out / "report.json").write_text('{"of": "another program"}')
    with pytest.raises(UsageError, match="other files"):
        run(chain, keys=[KEY], out=out)
    with pytest.raises(UsageError, match="not a folder"):
        run(chain, keys=[KEY], out=out / "report.html")


def test_the_repr_is_one_printable_line() -> None:
    gone = NetworkError("\x1b]0;owned\x07\n" + "x" * 100_000)
    report = audit(publish(PROOF), fails={"published": gone}, dies_after=0)
    assert repr(report).isprintable()
    assert len(repr(report)) < 500
    assert repr(report).startswith("Report(unchecked: The history")
