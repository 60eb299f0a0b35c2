"""One report on several chains: what one hides or lacks never hides the others."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from tests.audit.memory import MemoryChain, make_key, make_proof, publish
from verifai import audit
from verifai.audit import Policy, Report
from verifai.errors import NetworkError, UsageError
from verifai.proof import Proof


@dataclass
class Named(MemoryChain):
    """One of several chains."""

    name: str = "eip155:1"

    def describe(self) -> dict[str, str | int]:
        self._maybe("describe")
        return {"chain_id": self.name, "node": f"http://{self.name[7:]}.example"}


@pytest.fixture(autouse=True)
def _system(system_for_tests: None) -> None:
    """Proofs are those of :mod:`tests.audit.memory`."""


KEY = make_key()


def named(name: str, *digits: str, **options: object) -> Named:
    records = [
        publish(make_proof(KEY), chain_id=name, transaction_hash="0x" + digit * 64)
        for digit in digits
    ]
    return Named(records, name=name, **options)


def test_all_records_of_all_chains_in_one_report(tmp_path):
    chains = [named("eip155:1", "a", "b"), named("eip155:10", "c")]
    report = audit.run(chains, keys=[KEY], out=tmp_path / "out")
    assert [entry.record["chain_id"] for entry in report.entries] == [
        "eip155:1",
        "eip155:1",
        "eip155:10",
    ]
    assert (report.verdict, report.exit_code) == ("verified", 0)
    assert report.chain == {
        "chain_id": "eip155:1, eip155:10",
        "node": "http://1.example, http://10.example",
    }
    assert Report.load(tmp_path / "out") == report
    page = (tmp_path / "out" / "report.html").read_text()
    assert "--chain http://1.example --chain http://10.example" in page
    assert "19000001 of eip155:10" in page


def test_one_chain_in_a_list_is_that_chain():
    chain = named("eip155:1", "a")
    alone, listed = audit.run(chain, keys=[KEY]), audit.run([chain], keys=[KEY])
    assert replace(alone, made_at=0) == replace(listed, made_at=0)


@pytest.mark.parametrize("method", ["describe", "published"])
def test_a_chain_that_fails_is_named_and_the_others_count(method):
    broken = named("eip155:10", "c", "d", fails={method: NetworkError("gone")}, dies_after=1)
    report = audit.run([named("eip155:1", "a"), broken, named("eip155:5", "e")], keys=[KEY])
    hashes = [str(entry.record["transaction_hash"])[2] for entry in report.entries]
    assert hashes == (["a", "e"] if method == "describe" else ["a", "c", "e"])
    (problem,) = report.problems
    assert (report.verdict, report.exit_code) == ("unchecked", 7)
    assert "gone" in problem.text
    assert ("eip155:10 at http://10.example" in problem.text) == (method == "published")


def test_a_chain_without_a_registry_is_named():
    empty = named("eip155:10", registries=())
    (problem,) = audit.run([named("eip155:1", "a"), empty], keys=[KEY]).problems
    assert problem.text.startswith("eip155:10 at http://10.example: no registry")


def test_a_lie_on_one_chain_is_the_verdict():
    lying = named("eip155:10", "c")
    forged = Proof.of(make_proof(KEY).statement, bytes(32))
    lying.records = [publish(forged, chain_id="eip155:10")]
    report = audit.run([named("eip155:1", "a"), lying], keys=[KEY])
    assert (report.verdict, report.count("verified"), report.exit_code) == ("false", 1, 1)


def test_a_policy_is_about_all_chains_and_counts_a_proof_once():
    chains = [named("eip155:1", "a"), named("eip155:10", "b")]
    report = audit.run(chains, Policy(minimum_proofs=2), keys=[KEY])
    assert report.verdict == "policy"
    assert "2 verified proofs demanded, 1 found" in report.headline()
    other = make_key(model="6d" * 32)
    chains[1].records = [publish(make_proof(other), chain_id="eip155:10")]
    report = audit.run(chains, Policy(minimum_proofs=2), keys=[KEY, other])
    assert report.verdict == "verified"


@pytest.mark.parametrize("count", [0, 2])
def test_no_chain_and_one_chain_twice_are_refused(count):
    with pytest.raises(UsageError, match="several different"):
        audit.run([named("eip155:1", "a")] * count, keys=[KEY])
