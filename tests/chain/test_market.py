"""The job market from Python, on the embedded chain, with real native proofs.

The verifier is a double that accepts what it is told to: a claim passes only if Python's context
and words are the contract's, byte by byte.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("verifai._native", reason="the proving core is not built")

import verifai
from tests.chain.embedded import Begun
from tests.chain.market_double import ETHER, World, furnish, make_world
from tests.needs import skip_without
from verifai.chain import connect
from verifai.chain.shipped import interface
from verifai.compact.words import statement_words, words_from
from verifai.contracts.solidity import compile_contract
from verifai.errors import (
    ChainRejectedError,
    InputError,
    MalformedError,
    NetworkError,
    UsageError,
    VerificationError,
)
from verifai.evm import abi
from verifai.evm.contract import Contract
from verifai.evm.logs import Log
from verifai.market.jobs import Bid, DeclineReason, JobState, JobTerms
from verifai.market.market import Market, Stake
from verifai.market.order import input_words
from verifai.verifier.native.calldata import statement_of
from verifai.verifier.native.check import context_bytes

skip_without("eth_tester", "torch")


@pytest.fixture(scope="module")
def keys():
    import torch

    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(12, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    batch = torch.rand(8, 12)
    model = verifai.export(module, (batch[:1],))
    # Within the input's range, and beyond what the first layer was calibrated for.
    bait = (1.99 * torch.sign(module[0].weight[2])).detach()[None].numpy()
    pk, vk = verifai.setup(verifai.compile(model, batch[:, None].numpy()))
    return pk, vk, batch[:1].numpy(), bait


@pytest.fixture(scope="module")
def begun(keys) -> Begun:
    _, vk, inputs, _ = keys
    with connect() as chain:
        world = furnish(chain, vk, len(input_words(vk, inputs)) // 16)
        world.provider.register_provider("https://provider.example", deposit=10 * ETHER)
        return Begun(chain)


@pytest.fixture
def world(begun, keys):
    with begun.connect() as chain:
        yield make_world(chain, keys[1])


def posted(world: World, keys, **changes):
    _, vk, inputs, _ = keys
    words = input_words(vk, inputs)
    terms = world.client.terms(world.circuit, words, budget=5 * ETHER, collateral=2 * ETHER)
    number = world.client.post(replace(terms, **changes), words).job
    return world.provider.job(number)


def leased(world: World, job, price: int = 4 * ETHER):
    bid = world.provider.bid(job, price, 600)
    world.client.lease(job, Bid.from_json(bid.to_json()))
    return world.provider.job(job.id)


def proved(world: World, keys, job):
    """A proof for a job, which the verifier will accept."""
    pk, vk, inputs, _ = keys
    proof = verifai.prove(pk, inputs, context=world.provider.context(job))
    contract = interface("JobMarket")
    call = contract.call("contextOf", job.id, world.provider.account)
    (text,) = contract.result(
        "contextOf", world.chain.connection.sender.ask(world.contracts.market, call, "contextOf")
    )
    assert context_bytes(proof.statement.context) == abi.keccak(text)
    world.allow(abi.keccak(text), statement_words(vk, proof.statement))
    return proof


def test_a_job_from_order_to_pay(world, keys):
    pk, _, inputs, _ = keys
    job = posted(world, keys)
    assert (job.state, job.provider) == (JobState.OPEN, None)
    job = leased(world, job)
    assert (job.state, job.provider, job.price) == (
        JobState.OFFERED,
        world.provider.account,
        4 * ETHER,
    )
    world.provider.accept(job, keys[0], keys[2])
    assert world.provider.stake() == Stake(8 * ETHER, 2 * ETHER)
    proved(world, keys, job)
    proof, action = world.provider.prove_and_claim(job, pk, inputs)
    assert proof.statement.context["job"] == job.id
    assert action.gas_used > 0
    assert world.client.job(job.id).state == JobState.COMPLETED
    assert world.provider.stake() == Stake(10 * ETHER, 0)
    assert world.provider.owed() == 4 * ETHER
    assert world.client.owed() == ETHER
    before = world.chain.web3.eth.get_balance(world.provider.account)
    world.client.withdraw(account=world.provider.account)  # anyone may
    assert world.chain.web3.eth.get_balance(world.provider.account) - before == 4 * ETHER
    assert world.provider.owed() == 0


def test_a_proof_is_handed_in_without_acceptance(world, keys):
    job = leased(world, posted(world, keys))
    world.stranger.claim(job, proved(world, keys, job), keys[1])  # anyone may send it
    assert world.provider.owed() == 4 * ETHER


def test_the_words_are_the_statements(keys):
    pk, vk, inputs, _ = keys
    proof = verifai.prove(pk, inputs)
    words = statement_words(vk, proof.statement)
    mine = input_words(vk, inputs)
    assert words.startswith(mine)
    assert (len(mine), len(words)) == (32, 48)  # 12 values, 2 values: 8 in a word
    three = verifai.prove(pk, np.stack([inputs, inputs, inputs]), batch=True).statement
    assert statement_words(vk, three).startswith(
        input_words(vk, np.stack([inputs] * 3), batch=True)
    )
    for batch, statement in ((None, proof.statement), (3, three)):
        found = words_from(statement_words(vk, statement))
        assert statement_of(vk, batch, None, found, b"") == statement
    for damaged in (words[:-16], words + bytes(16), words[:16] + b"\1" + words[17:], words[:-5]):
        with pytest.raises(MalformedError):
            statement_of(vk, None, None, words_from(damaged), b"")
    for damaged in (inputs[:, :5], inputs + 1e9, inputs * np.nan):
        with pytest.raises(InputError):
            input_words(vk, damaged)


def test_a_stolen_proof_earns_nothing(world, keys):
    job = leased(world, posted(world, keys))
    pk, vk, inputs, _ = keys
    proof = verifai.prove(pk, inputs, context=world.stranger.context(job))
    with pytest.raises(VerificationError) as caught:
        world.stranger.claim(job, proof, vk)
    assert caught.value.check == 5  # the context names another provider
    # Sent all the same, past the client's own check: the contract refuses it.
    with pytest.raises(ChainRejectedError, match="offline it fails check 5") as refused:
        world.stranger.claim(job, proof, vk, check=False)
    assert refused.value.check == 8
    assert world.client.job(job.id).state == JobState.OFFERED


def test_another_input_earns_nothing(world, keys):
    pk, vk, inputs, _ = keys
    job = leased(world, posted(world, keys))
    with pytest.raises(UsageError, match="not those of job"):
        world.provider.prove_and_claim(job, pk, inputs / 2)
    proof = verifai.prove(pk, inputs / 2, context=world.provider.context(job))
    world.allow(context_bytes(proof.statement.context), statement_words(vk, proof.statement))
    with pytest.raises(ChainRejectedError) as refused:
        world.provider.claim(job, proof, vk)
    assert refused.value.details["reason"] == "OtherInput"


def bait(world: World, keys, **changes):
    """A job of the client's whose terms no proof can meet, leased to the provider."""
    words = input_words(keys[1], keys[2])
    terms = world.client.terms(world.circuit, words, budget=5 * ETHER, collateral=2 * ETHER)
    number = world.client.post(replace(terms, **changes), words).job
    return leased(world, world.provider.job(number))


def test_terms_that_no_proof_meets_are_seen_before_anything_is_at_stake(world, keys):
    pk, vk, inputs, _ = keys
    other = abi.keccak(b"another table under the same key digest")
    world.know_circuit(other, bytes.fromhex(vk.digest), len(input_words(vk, inputs)) // 16)
    baits = {
        "another circuit": bait(world, keys, circuit=other),
        "not those of job": bait(world, keys, linked_inputs=1),
        "no lease|not leased": posted(world, keys),
    }
    for message, job in baits.items():
        calls = [world.provider.prove_and_claim]
        if job.provider is not None:
            calls += [world.provider.check_job, world.provider.accept]
        for call in calls:
            with pytest.raises(UsageError, match=message):
                call(job, pk, inputs)
    with pytest.raises(UsageError, match="another circuit"):  # two inferences
        world.provider.check_input(
            leased(world, posted(world, keys)), vk, np.stack([inputs] * 2), batch=True
        )
    assert world.provider.stake() == Stake(10 * ETHER, 0)


def test_an_unprovable_input_takes_nothing_from_a_provider(world, keys):
    """Its words are as good as any; only running the circuit shows that no proof covers it."""
    pk, vk, _, overflow = keys
    words = input_words(vk, overflow)
    terms = world.client.terms(world.circuit, words, budget=5 * ETHER, collateral=2 * ETHER)
    job = leased(world, world.provider.job(world.client.post(terms, words).job))
    for call in (world.provider.check_job, world.provider.accept, world.provider.prove_and_claim):
        with pytest.raises(InputError, match="overflows"):
            call(job, pk, overflow)
    world.provider.decline(job, DeclineReason.INPUT_UNPROVABLE)
    job = leased(world, world.client.job(job.id))
    world.wait(3601)  # nor does it have to answer at all
    with pytest.raises(UsageError):
        world.client.expire(job)
    world.client.refund(job)
    assert world.client.owed() == 5 * ETHER
    assert world.provider.stake() == Stake(10 * ETHER, 0)


def test_lateness_costs_the_collateral(world, keys):
    job = leased(world, posted(world, keys))
    world.provider.accept(job, keys[0], keys[2])
    with pytest.raises(UsageError) as early:
        world.client.expire(job)
    assert early.value.details["reason"] == "TooEarly"
    world.wait(3700)
    with pytest.raises(UsageError) as late:
        world.provider.claim(job, proved(world, keys, job), keys[1])
    assert late.value.details["reason"] == "TooLate"
    world.stranger.expire(job)
    assert world.client.job(job.id).state == JobState.EXPIRED
    assert world.client.owed() == 6 * ETHER
    assert world.provider.stake() == Stake(8 * ETHER, 0)
    world.provider.withdraw_collateral(8 * ETHER)
    with pytest.raises(UsageError, match="TooLittleCollateral"):
        world.provider.withdraw_collateral(1)


def test_no_refund_while_a_lease_is_in_force(world, keys):
    job = leased(world, posted(world, keys))
    for call in (world.client.refund, world.stranger.refund):
        with pytest.raises(UsageError):
            call(job)
    world.wait(3601)
    world.client.refund(job)
    assert world.client.job(job.id).state == JobState.REFUNDED
    with pytest.raises(UsageError, match=r"WrongState.*refunded"):
        world.client.refund(job)


def test_bids_on_the_chain(world, keys):
    job = posted(world, keys)
    first = world.provider.bid(job, 4 * ETHER, 600, announce=True)
    second = world.stranger.bid(job, 3 * ETHER, 600, announce=True)
    assert list(world.client.bids(job)) == [first, second]
    with pytest.raises(UsageError) as poor:
        world.client.lease(job, second)  # the stranger has no collateral
    assert poor.value.details["reason"] == "TooLittleCollateral"
    with pytest.raises(UsageError) as forged:
        world.client.lease(job, replace(first, price=ETHER))
    assert forged.value.details["reason"] == "BadSignature"
    world.client.lease(job, first)
    assert world.client.job(job.id).provider == world.provider.account


@pytest.mark.parametrize(
    "change",
    [
        {"job": 7},
        {"price": "-1"},
        {"price": "0x1"},
        {"signature": "xy"},
        {"provider": "0x12"},
        {"more": "1"},
    ],
)
def test_damaged_bids(change):
    bid = Bid(1, "0x" + "11" * 20, 2, 3, b"\x01")
    assert Bid.from_json(bid.to_json()) == bid
    with pytest.raises(MalformedError):
        Bid.from_json({**bid.to_json(), **change})


def test_jobs_are_listed(world, keys):
    first, second = posted(world, keys), posted(world, keys)
    world.client.refund(first)
    assert [job.id for job in world.stranger.jobs()] == [first.id, second.id]
    assert [job.id for job in world.stranger.jobs(JobState.OPEN)] == [second.id]
    assert second.words == second.input
    assert first.terms == JobTerms.from_values(first.terms.values())
    with pytest.raises(UsageError, match="No job"):
        world.client.job(5)


def test_equal_orders_are_told_apart_and_none_is_posted_twice(world, keys):
    job = posted(world, keys)
    with pytest.raises(UsageError) as again:
        world.client.post(job.terms, job.input)
    assert again.value.details["reason"] == "JobExists"
    with pytest.raises(UsageError) as foreign:
        world.stranger.post(job.terms, job.input)
    assert foreign.value.details["reason"] == "NotClient"


def test_what_cannot_be_ordered(world, keys):
    with pytest.raises(UsageError) as unknown:
        posted(world, keys, circuit=b"\x01" * 32)
    assert unknown.value.details["reason"] == "UnknownCircuit"
    with pytest.raises(UsageError) as royalty:
        posted(world, keys, royalty=5)
    assert royalty.value.details["reason"] == "OtherModel"


#: Hands calls on: at once, or those that it was given before.
CARRIERS = """
// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.20;

contract Carrier {
    bytes private kept;

    function carry(uint256, address to, bytes calldata data) external {
        (bool ok, ) = to.call(data);
        require(ok);
    }

    function keep(bytes calldata data) external { kept = data; }

    function release(address to) external {
        (bool ok, ) = to.call(kept);
        require(ok);
    }
}
"""


def test_proofs_that_came_through_other_contracts(world, keys):
    """Anyone may send a proof, in whatever way: that keeps no other proof from an auditor."""
    carrier = compile_contract(CARRIERS, "Carrier")
    sender = world.chain.connection.sender
    at = sender.send(None, carrier.creation, "a carrier")["contractAddress"]
    vk = keys[1]
    jobs = [leased(world, posted(world, keys)) for _ in range(3)]
    proofs = [proved(world, keys, job) for job in jobs]
    calls = [
        interface("JobMarket").call(
            "fulfil", job.terms.values(), statement_words(vk, proof.statement), proof.argument
        )
        for job, proof in zip(jobs, proofs, strict=True)
    ]
    carry = abi.selector("carry(uint256,address,bytes)")
    sent = (5, world.contracts.market, calls[0])
    sender.send(at, carry + abi.encode(("uint256", "address", "bytes"), sent), "carrying")
    sender.send(at, abi.selector("keep(bytes)") + abi.encode(("bytes",), (calls[1],)), "keeping")
    release = abi.selector("release(address)")
    sender.send(at, release + abi.encode(("address",), (world.contracts.market,)), "releasing")
    world.stranger.claim(jobs[2], proofs[2], vk)
    found = list(world.client.proofs(vk))
    assert [one.job.id for one in found] == [job.id for job in jobs]
    assert [one.proof for one in found] == [proofs[0], None, proofs[2]]
    assert found[1].problem == "the transaction does not show the proof"
    assert {one.provider for one in found} == {world.provider.account}
    assert found[0].context == proofs[0].statement.context


@pytest.mark.parametrize("event", ["JobPosted", "JobCompleted"])
def test_a_history_with_holes_is_noticed(world, keys, monkeypatch, event):
    job = leased(world, posted(world, keys))
    world.provider.claim(job, proved(world, keys, job), keys[1])
    assert len(list(world.client.proofs(keys[1]))) == 1
    logs = Contract.logs

    def holes(self, name, *blocks):
        return iter(()) if name == event else logs(self, name, *blocks)

    monkeypatch.setattr(Contract, "logs", holes)
    with pytest.raises(NetworkError, match="whole history"):
        list(world.client.proofs(keys[1]))


def test_a_market_of_somebody_elses(world):
    """Its rules, or its verifier, could be anything."""
    with pytest.raises(UsageError, match="no contract"):
        Market(world.chain, "0x" + "12" * 20)
    for address in (world.contracts.market, world.contracts.models, world.verifier):
        with pytest.raises(UsageError, match="no JobMarket of this package"):
            Market(world.chain, address)  # around the shipped verifier
    with pytest.raises(UsageError, match="no JobMarket of this package"):
        Market(world.chain, world.contracts.router, verifier=world.verifier)
    router, sender = interface("VerifierRouter"), world.chain.connection.sender
    # the address is that of the first owner and the first verifiers
    sender.send(world.contracts.router, router.call("transferOwnership", "0x" + "77" * 20), "it")
    more = router.call("add", b"more", world.verifier)
    sender.send(world.contracts.router, more, "another verifier")
    assert Market(world.chain, world.contracts.market, verifier=world.verifier)


def test_a_wrong_interface_is_noticed(world):
    log = Log("", (b"\x01" * 32,), b"", 1, "", 0, "")
    with pytest.raises(MalformedError):
        interface("JobMarket").event(log, "JobPosted")
    with pytest.raises(MalformedError):
        interface("JobMarket").arguments("withdraw", b"\x00" * 68)
    data = interface("JobMarket").call("withdrawCollateral", 5)
    assert interface("JobMarket").arguments("withdrawCollateral", data) == (5,)
