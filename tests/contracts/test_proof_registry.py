"""ProofRegistry: what it accepts, what it refuses, and that a refusal leaves no trace."""

from __future__ import annotations

import pytest

from verifai.backends import EvmCall
from verifai.chain.shipped import interface
from verifai.evm import abi
from verifai.evm.node.faults import RevertedError

MODULUS = 21888242871839275222246405745257275088548364400416034343698204186575808495617


def test_an_accepted_proof_is_recorded(registry):
    verifier = registry.deploy("Checks")
    publication = registry.publication(verifier)
    mined = registry.send(publication.calldata())
    created, latest, count, events = registry.state
    assert (created, latest, count, events) == (1, mined["blockNumber"], 1, 1)
    (record,) = registry.chain.published()
    assert record.call == publication.call
    assert (record.key_digest, record.statement_digest, record.bundle_digest) == (
        "11" * 32,
        "22" * 32,
        "33" * 32,
    )
    assert record.verifier == verifier
    assert record.verifier_code_hash == registry.chain.code_hash(verifier)
    assert record.publisher == registry.chain.connection.sender.address
    assert record.gas_used == mined["gasUsed"]
    assert record.problem is None


@pytest.mark.parametrize(
    "name", ["No", "Reverts", "Silent", "TwoWords", "Two", "OneByte", "Writer"]
)
def test_anything_but_one_true_word_is_a_refusal(registry, name):
    publication = registry.publication(registry.deploy(name))
    before = registry.state
    assert registry.refusal(publication) == ("ProofRefused", ())
    assert registry.state == before


def test_a_mined_refusal_leaves_no_trace(registry):
    """Sent past the estimation, as a careless or hostile client would."""
    publication = registry.publication(registry.deploy("No"))
    before = registry.state
    web3 = registry.chain.web3
    sent = web3.eth.send_transaction(
        {
            "from": registry.chain.connection.sender.address,
            "to": registry.address,
            "data": publication.calldata(),
            "gas": 1_000_000,
        }
    )
    mined = web3.eth.get_transaction_receipt(sent)
    assert (mined["status"], list(mined["logs"])) == (0, [])
    assert registry.state == before


def test_a_starved_call_records_nothing(registry):
    """No gas limit makes a publication half happen."""
    publication = registry.publication(registry.deploy("Checks"))
    web3, data = registry.chain.web3, publication.calldata()
    before = registry.state
    for gas in range(30_000, 110_000, 8_000):
        sent = web3.eth.send_transaction(
            {
                "from": registry.chain.connection.sender.address,
                "to": registry.address,
                "data": data,
                "gas": gas,
            }
        )
        if web3.eth.get_transaction_receipt(sent)["status"] == 1:
            break
        assert registry.state == before
    assert registry.state[2] == 1


@pytest.mark.parametrize("address", ["0x" + "ab" * 20, "0x" + "00" * 19 + "04"])
def test_an_address_without_code_is_no_verifier(registry, address):
    """A call to it would succeed; precompile 4 would even return data."""
    name, values = registry.refusal(registry.publication(address))
    assert (name, values[0].lower()) == ("VerifierWithoutCode", address)
    assert registry.state[2:] == (0, 0)


@pytest.mark.parametrize("value", [MODULUS, MODULUS + 7, (1 << 256) - 1])
def test_an_instance_has_one_spelling(registry, value):
    verifier = registry.deploy("Yes")
    publication = registry.publication(verifier, call=EvmCall(b"", (MODULUS - 1, value)))
    assert registry.refusal(publication) == ("InstanceOutOfRange", (1, value))
    registry.send(registry.publication(verifier, call=EvmCall(b"", (MODULUS - 1,))).calldata())
    assert registry.state[2] == 1


def test_a_publication_is_recorded_once(registry):
    publication = registry.publication(registry.deploy("Yes"))
    registry.send(publication.calldata())
    before = registry.state
    assert registry.refusal(publication) == ("AlreadyPublished", (b"\x33" * 32,))
    # Trailing bytes are the same publication in another spelling.
    with pytest.raises(RevertedError):
        registry.send(publication.calldata() + bytes(32))
    assert registry.state == before


def test_a_digest_cannot_be_occupied(registry):
    """A false claim of a digest does not keep the true publication out."""
    thief = registry.publication(registry.deploy("Yes"), call=EvmCall(b"junk", ()))
    registry.send(thief.calldata())
    honest = registry.publication(registry.deploy("Checks"))
    assert honest.bundle_digest == thief.bundle_digest
    registry.send(honest.calldata())
    # Nor with the same verifier and another argument.
    other = registry.publication(registry.deploy("Yes"))
    registry.send(other.calldata())
    assert registry.state[2] == 3
    assert registry.reader.of(honest).call == honest.call


def test_a_verifier_cannot_reenter(registry):
    publication = registry.publication(registry.deploy("Reentrant"))
    registry.send(publication.calldata())
    assert registry.state[2:] == (1, 1)
    (record,) = registry.chain.published()
    assert record.bundle_digest == publication.bundle_digest


def test_the_identifier_is_computed_alike_on_both_sides(registry):
    publication = registry.publication(registry.deploy("Yes"))
    question = abi.selector("verifyProof(bytes,uint256[])") + abi.encode(
        ("bytes", "uint256[]"), (publication.call.argument, publication.call.instances)
    )
    words = ("address", "bytes32", "bytes32", "bytes32", "bytes32")
    digests = (b"\x11" * 32, b"\x22" * 32, b"\x33" * 32, abi.keccak(question))
    data = abi.selector("recordId(address,bytes32,bytes32,bytes32,bytes32)") + abi.encode(
        words, (publication.verifier, *digests)
    )
    answer = registry.chain.web3.eth.call({"to": registry.address, "data": data})
    assert bytes(answer) == publication.record_id()


def test_calldata_round_trips(registry):
    publication = registry.publication("0x" + "00" * 19 + "01")
    arguments = interface("ProofRegistry").arguments("publish", publication.calldata())
    assert arguments == publication.arguments


def test_events_chain_their_blocks(registry):
    verifier = registry.deploy("Yes")
    blocks = [
        registry.send(registry.publication(verifier, bundle_digest=f"{i:064x}").calldata())[
            "blockNumber"
        ]
        for i in range(4)
    ]
    reader = registry.reader
    events = [reader.event(log) for log in reader.contract.logs("ProofPublished", 0)]
    assert [event.block_number for event in events] == blocks
    assert [event.previous_block for event in events] == [0, *blocks[:-1]]
