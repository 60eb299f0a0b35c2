"""What publishing would cost, and that asking changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

import verifai
from tests.chain.node import Faulty, refused, rich
from verifai.chain import Terms, connect
from verifai.errors import ChainRejectedError, UsageError
from verifai.evm.transactions.estimate import ether


def test_on_a_node_that_can_pretend_contracts(node, pretended):
    """All three transactions are estimated before anything stands, and the estimate is near."""
    vk = pretended.key()
    with connect(node.url, signer=rich(), terms=Terms(patience_seconds=20)) as chain:
        before = chain.estimate(pretended.proof(vk), vk)
        assert node.web3.eth.block_number == 0
        assert [step.what for step in before.steps] == [
            "deploying the registry",
            "deploying the verifier",
            "publishing",
        ]
        assert (before.unknown, before.recorded, before.affordable) == ((), False, True)
        assert before.to_json()["gas"] == before.gas == sum(step.gas for step in before.steps)
        receipt = chain.publish(pretended.proof(vk), vk)
        spent = receipt.gas_used + receipt.deployed_gas
        assert 0.95 * spent < before.gas < 1.1 * spent
        (step,) = chain.estimate(pretended.proof(vk, 5, 6), vk).steps
        assert step.what == "publishing"
        again = chain.estimate(pretended.proof(vk), vk)
        assert (again.recorded, again.steps, again.gas, again.affordable) == (True, (), 0, True)


@pytest.mark.parametrize("stands", [False, True])
def test_a_proof_that_would_be_refused(node, pretended, stands):
    vk = pretended.key()
    with connect(node.url, signer=rich(), terms=Terms(patience_seconds=20)) as chain:
        if stands:
            chain.publish(pretended.proof(vk), vk)
        height = node.web3.eth.block_number
        with pytest.raises(ChainRejectedError, match="does not accept"):
            chain.estimate(pretended.proof(vk, 5, 6, argument=b"\x02"), vk)
        assert node.web3.eth.block_number == height


@pytest.mark.parametrize("answer", [refused("too many arguments"), {"result": "0x"}])
def test_a_node_that_cannot_pretend(node, pretended, answer):
    """It says so, or ignores what it is asked to pretend: the last step is unknown, not wrong."""
    vk = pretended.key()
    with connect(node.url, signer=rich()) as chain:
        answer = {"jsonrpc": "2.0", "id": 1, **answer}
        chain.web3.provider = Faulty(chain.web3.provider, {"eth_call": [answer]})
        estimate = chain.estimate(pretended.proof(vk), vk)
        assert len(estimate.steps) == 2
        assert estimate.unknown == ("publishing",)


def test_on_the_embedded_chain(pretended):
    vk = pretended.key()
    with connect() as chain:
        first = chain.estimate(pretended.proof(vk), vk)
        assert (len(first.steps), first.unknown) == (2, ("publishing",))
        receipt = chain.publish(pretended.proof(vk), vk)
        (step,) = chain.estimate(pretended.proof(vk, 5, 6), vk).steps
        assert step.gas > 0.8 * receipt.gas_used
        assert chain.web3.eth.block_number == 3


def test_a_poor_signer_is_told_before(node, pretended):
    from eth_account import Account

    vk, some = pretended.key(), Account.create()
    node.ask("anvil_setBalance", some.address, hex(10**15))
    with connect(node.url, signer=some) as chain:
        assert not chain.estimate(pretended.proof(vk), vk).affordable


def test_without_a_signer(node, pretended):
    vk = pretended.key()
    with (
        connect(node.url, read_only=True) as chain,
        pytest.raises(UsageError, match="only reads"),
    ):
        chain.estimate(pretended.proof(vk), vk)


@pytest.mark.parametrize(
    ("wei", "text"),
    [(0, "0"), (1, "0.000000000000000001"), (10**18, "1"), (15 * 10**17, "1.5"), (10**20, "100")],
)
def test_wei_in_coins(wei, text):
    assert ether(wei) == text


# ---- native proofs ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def native() -> Any:
    """A key and two proofs of one small circuit."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("verifai._native", reason="the proving core is not built")
    torch.manual_seed(0)
    x = torch.rand(4, 1, 4)
    module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU())
    pk, vk = verifai.setup(verifai.compile(verifai.export(module, (x[0],)), x))
    return vk, verifai.prove(pk, x[0]), verifai.prove(pk, x[1])


LOCAL = ("--chain-id", "31337")  # elsewhere no development reference string is valid


def test_native_proofs_on_a_node(start_anvil, native, tmp_path):
    """Deployment, registration and publication, before any of it is there; then what is left."""
    vk, one, other = native
    node, store = start_anvil(*LOCAL), verifai.KeyStore(tmp_path)
    with connect(node.url, signer=rich()) as chain:
        before = chain.estimate(one, vk)
        assert node.web3.eth.block_number == 0
        named = [step.what for step in before.steps]
        assert named[-2:] == ["registering the circuit", "publishing"]
        assert [name.split()[0] for name in named[:-2]] == ["deploying"] * 5
        assert (before.unknown, before.recorded, before.affordable) == ((), False, True)
        contracts = chain.deploy()
        left = chain.estimate(one, vk)
        assert [step.what for step in left.steps] == named[-2:]
        receipt = chain.publish(one, vk, keys=store)
        spent = contracts.gas_used + receipt.deployed_gas + receipt.gas_used
        assert 0.97 * spent < before.gas < 1.03 * spent
        assert left.gas - receipt.gas_used == pytest.approx(receipt.deployed_gas, rel=0.05)
        (step,) = chain.estimate(other, vk).steps
        assert step.gas == pytest.approx(receipt.gas_used, rel=0.05)
        again = chain.estimate(one, vk)
        assert (again.recorded, again.steps) == (True, ())
        lie = verifai.Proof.of(other.statement, one.argument)
        with pytest.raises(ChainRejectedError, match="does not accept"):
            chain.estimate(lie, vk)
    with (
        connect(start_anvil(*LOCAL).url, signer=rich()) as chain,
        pytest.raises(ChainRejectedError, match="does not accept"),
    ):
        chain.estimate(lie, vk)


def test_native_proofs_where_nothing_is_simulated(start_anvil, native):
    """The transactions that stand alone are estimated, the others named."""
    vk, one, _ = native
    missing = {"error": {"code": -32601, "message": "Method not found"}, "jsonrpc": "2.0", "id": 1}
    node = start_anvil(*LOCAL)
    with connect(node.url, signer=rich()) as chain:
        chain.web3.provider = Faulty(chain.web3.provider, {"eth_simulateV1": [missing] * 3})
        first = chain.estimate(one, vk)
        assert first.steps[0].what == "deploying verifai-native-2"
        assert first.unknown[0] == "deploying VerifierRouter"  # wants to see its verifier
        assert first.unknown[-2:] == ("registering the circuit", "publishing")
        chain.deploy()
        (step,) = chain.estimate(one, vk).steps
        assert step.what == "registering the circuit"


def test_native_proofs_on_the_embedded_chain(native, tmp_path):
    vk, one, other = native
    with connect() as chain:
        first = chain.estimate(one, vk)
        assert first.unknown == ()
        assert chain.web3.eth.block_number == 0
        receipt = chain.publish(one, vk, keys=verifai.KeyStore(tmp_path))
        spent = receipt.deployed_gas + receipt.gas_used
        assert first.gas == pytest.approx(spent, rel=0.05)
        (step,) = chain.estimate(other, vk).steps
        assert step.gas == pytest.approx(receipt.gas_used, rel=0.1)
