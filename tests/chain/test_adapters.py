"""EAS and ERC-8004, against minimal contracts with the standards' functions, structs and events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.chain.embedded import Begun
from verifai.chain import connect
from verifai.chain.chain import Chain
from verifai.chain.standards import eas, erc8004
from verifai.contracts.solidity import compile_contract
from verifai.errors import MalformedError, NetworkError, UsageError
from verifai.evm import abi
from verifai.proof.published import Published

ATTESTATIONS = """
// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;

struct RequestData {
    address recipient; uint64 expirationTime; bool revocable; bytes32 refUID; bytes data;
    uint256 value;
}
struct Request { bytes32 schema; RequestData data; }
struct Attestation {
    bytes32 uid; bytes32 schema; uint64 time; uint64 expirationTime; uint64 revocationTime;
    bytes32 refUID; address recipient; address attester; bool revocable; bytes data;
}

contract Service {
    event Attested(
        address indexed recipient, address indexed attester, bytes32 uid, bytes32 indexed schemaUID
    );
    error InvalidSchema();
    mapping(bytes32 => bool) public schemas;
    mapping(bytes32 => Attestation) attestations;

    function register(string calldata schema, address resolver, bool revocable)
        external returns (bytes32 uid)
    {
        uid = keccak256(abi.encodePacked(schema, resolver, revocable));
        require(!schemas[uid], "exists");
        schemas[uid] = true;
    }

    function attest(Request calldata request) external payable returns (bytes32 uid) {
        if (!schemas[request.schema]) revert InvalidSchema();
        uid = keccak256(abi.encode(request, msg.sender, block.number));
        attestations[uid] = Attestation(
            uid, request.schema, uint64(block.timestamp), request.data.expirationTime, 0,
            request.data.refUID, request.data.recipient, msg.sender, request.data.revocable,
            request.data.data
        );
        emit Attested(request.data.recipient, msg.sender, uid, request.schema);
    }

    function getAttestation(bytes32 uid) external view returns (Attestation memory) {
        return attestations[uid];
    }
}
"""
VALIDATIONS = """
// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;

contract Validations {
    struct Status {
        address validator; uint256 agentId; uint8 response; bytes32 responseHash; string tag;
        uint256 lastUpdate;
    }
    mapping(bytes32 => Status) statuses;

    function validationRequest(
        address validator, uint256 agentId, string calldata, bytes32 requestHash
    ) external {
        statuses[requestHash] = Status(validator, agentId, 0, 0, "", block.timestamp);
    }

    function validationResponse(
        bytes32 requestHash, uint8 response, string calldata, bytes32 responseHash,
        string calldata tag
    ) external {
        Status storage s = statuses[requestHash];
        require(s.validator != address(0), "unknown");
        require(msg.sender == s.validator, "not validator");
        (s.response, s.responseHash, s.tag, s.lastUpdate) =
            (response, responseHash, tag, block.timestamp);
    }

    function getValidationStatus(bytes32 requestHash)
        external view returns (address, uint256, uint8, bytes32, string memory, uint256)
    {
        Status storage s = statuses[requestHash];
        require(s.validator != address(0), "unknown");
        return (s.validator, s.agentId, s.response, s.responseHash, s.tag, s.lastUpdate);
    }
}
"""
RECORD = Published(
    key_digest="11" * 32,
    statement_digest="22" * 32,
    bundle_digest="33" * 32,
    publisher="0x" + "44" * 20,
    verifier="0x" + "55" * 20,
    verifier_code_hash="0x" + "66" * 32,
    registry="0x" + "77" * 20,
    block_number=9,
    block_time=10,
    transaction_hash="0x" + "88" * 32,
    gas_used=11,
    chain_id="eip155:8453",
    call=None,
)


def stand(chain: Chain, source: str, name: str) -> str:
    contract = compile_contract(source, name)
    return chain.connection.ensure(contract.code_hash, contract.creation, name)[0]


@pytest.fixture(scope="module")
def begun() -> Begun:
    with connect() as chain:
        stand(chain, ATTESTATIONS, "Service")
        stand(chain, VALIDATIONS, "Validations")
        return Begun(chain)


@pytest.fixture
def chain(begun) -> Iterator[Chain]:
    with begun.connect() as chain:
        yield chain


@pytest.fixture
def service(chain) -> str:
    return stand(chain, ATTESTATIONS, "Service")


@pytest.fixture
def validations(chain) -> str:
    return stand(chain, VALIDATIONS, "Validations")


def test_the_functions_are_those_of_the_standards():
    """Selectors that deployed contracts have, as their repositories and block explorers show."""
    assert abi.selector("attest((bytes32,(address,uint64,bool,bytes32,bytes,uint256)))").hex() == (
        "f17325e7"
    )
    assert abi.selector("getAttestation(bytes32)").hex() == "a3112a64"
    assert abi.selector("register(string,address,bool)").hex() == "60d7a278"
    assert abi.selector("validationResponse(bytes32,uint8,string,bytes32,string)").hex() == (
        "3d659a96"
    )


def test_an_attestation_comes_back(chain, service):
    schema = eas.register_schema(chain, service)
    assert schema == eas.schema_uid()
    uid = eas.attest(chain, service, RECORD, recipient=RECORD.publisher, expires=2_000_000_000)
    found = eas.read(chain, service, uid)
    assert found.of(RECORD)
    assert not found.of(replace(RECORD, chain_id="eip155:1"))
    assert (found.uid, found.schema, found.attester) == (
        uid,
        schema,
        chain.connection.sender.address,
    )
    assert (found.expires, found.revoked, found.reference) == (2_000_000_000, 0, eas.NOTHING)
    assert found.recipient.lower() == RECORD.publisher
    second = eas.attest(chain, service, RECORD, reference=uid)
    assert eas.read(chain, service, second).reference == uid


def test_a_schema_for_each_resolver(chain, service):
    resolver = "0x" + "99" * 20
    identifiers = {
        eas.register_schema(chain, service, at, revocable)
        for at in (eas.NOBODY, resolver)
        for revocable in (True, False)
    }
    assert len(identifiers) == 4
    uid = eas.attest(chain, service, RECORD, schema=eas.schema_uid(resolver))
    assert eas.read(chain, service, uid).schema == eas.schema_uid(resolver)
    with pytest.raises(UsageError, match="refuses register: 'exists'"):
        eas.register_schema(chain, service)


def test_a_schema_that_nobody_registered(chain, service):
    selector = abi.selector("InvalidSchema()").hex()
    with pytest.raises(UsageError, match=f"refuses attest: error 0x{selector}"):
        eas.attest(chain, service, RECORD)


def test_what_is_no_attestation_of_ours(chain, service):
    with pytest.raises(UsageError, match="no attestation"):
        eas.read(chain, service, "0x" + "12" * 32)
    for bad in ("12" * 32, "0x12", "0x" + "zz" * 32):
        with pytest.raises(MalformedError):
            eas.read(chain, service, bad)
    other = ("(bytes32,(address,uint64,bool,bytes32,bytes,uint256))",)
    eas.register_schema(chain, service)
    word = bytes.fromhex(eas.schema_uid()[2:])
    values = ((word, (eas.NOBODY, 0, True, bytes(32), b"another schema's data", 0)),)
    data = abi.selector(f"attest({other[0]})") + abi.encode(other, values)
    mined = chain.transact(service, data, "another attestation")
    with pytest.raises(MalformedError, match="The attestation"):
        eas.read(chain, service, "0x" + bytes(mined["logs"][0]["data"]).hex())


def test_a_validation_is_answered_by_its_validator(chain, validations):
    types = ("address", "uint256", "string", "bytes32")
    for digit, validator in (("1", chain.connection.sender.address), ("2", "0x" + "99" * 20)):
        values = (validator, 7, "https://example.org", bytes.fromhex(digit * 64))
        data = abi.selector(f"validationRequest({','.join(types)})") + abi.encode(types, values)
        chain.transact(validations, data, "a request")
    before = erc8004.status(chain, validations, "0x" + "1" * 64)
    assert (before.agent_id, before.response, before.response_hash) == (7, 0, "00" * 32)
    erc8004.respond(chain, validations, "0x" + "1" * 64, RECORD, uri="https://example.org/report")
    after = erc8004.status(chain, validations, "0x" + "1" * 64)
    assert (after.response, after.tag) == (100, "zk")
    assert after.response_hash == RECORD.bundle_digest
    erc8004.respond(chain, validations, "0x" + "1" * 64, RECORD, response=0, tag="zk-false")
    assert erc8004.status(chain, validations, "0x" + "1" * 64).tag == "zk-false"
    with pytest.raises(UsageError, match="'not validator'"):
        erc8004.respond(chain, validations, "0x" + "2" * 64, RECORD)
    with pytest.raises(UsageError, match="'unknown'"):
        erc8004.respond(chain, validations, "0x" + "3" * 64, RECORD)
    with pytest.raises(UsageError, match="'unknown'"):
        erc8004.status(chain, validations, "0x" + "3" * 64)


@pytest.mark.parametrize("response", [-1, 101, True, "100", 50.0])
def test_a_response_out_of_range(chain, validations, response):
    with pytest.raises(UsageError, match="0 to 100"):
        erc8004.respond(chain, validations, "0x" + "1" * 64, RECORD, response=response)


def test_another_contract_or_none(chain, service, validations):
    with pytest.raises(UsageError, match="no contract"):
        eas.attest(chain, "0x" + "12" * 20, RECORD)
    with pytest.raises(NetworkError, match="without an error"):
        erc8004.status(chain, service, "0x" + "1" * 64)
    with pytest.raises(MalformedError):
        erc8004.status(chain, validations, "0x12")
    silent = compile_contract(
        "// SPDX-License-Identifier: Apache-2.0\npragma solidity ^0.8.0;\n"
        "contract Silent { fallback() external {} }",
        "Silent",
    )
    address, _ = chain.connection.ensure(silent.code_hash, silent.creation, "a silent contract")
    with pytest.raises(NetworkError, match="no EAS"):
        eas.read(chain, address, "0x" + "12" * 32)
    with pytest.raises(NetworkError, match="no EAS"):
        eas.attest(chain, address, RECORD)


def test_a_native_record_is_named_first(chain, service, validations, pretended):
    """Its event claims no digests; the bundle that is made from calldata has them."""
    vk = pretended.key()
    bundle, other = pretended.proof(vk), pretended.proof(vk, 5, 6)
    record = replace(RECORD, statement_digest="", bundle_digest="")
    with pytest.raises(UsageError, match="does not name its bundle"):
        eas.attest(chain, service, record)
    with pytest.raises(UsageError, match="does not name its bundle"):
        erc8004.respond(chain, validations, "0x" + "1" * 64, record)
    named = record.named(bundle)
    assert (named.statement_digest, named.bundle_digest) == (bundle.statement.digest, bundle.digest)
    assert named.named(bundle) == named
    with pytest.raises(MalformedError, match="another bundle"):
        named.named(other)
    eas.register_schema(chain, service)
    assert eas.read(chain, service, eas.attest(chain, service, named)).of(named)
