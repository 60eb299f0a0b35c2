"""Verifiers that behave and misbehave, on the embedded chain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from tests.chain.embedded import Begun
from tests.needs import skip_without
from verifai.backends import EvmCall
from verifai.chain import Chain, connect
from verifai.chain.generated.registry import GeneratedRegistry, Publication
from verifai.chain.shipped import contract, interface
from verifai.contracts.shipped import artefact
from verifai.contracts.solidity import compile_contract
from verifai.evm.node.faults import RevertedError

skip_without("eth_tester")

#: A test names the contract it needs.
VERIFIERS = """
// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.20;

contract Yes {
    function verifyProof(bytes calldata, uint256[] calldata) external pure returns (bool) {
        return true;
    }
}

contract No {
    function verifyProof(bytes calldata, uint256[] calldata) external pure returns (bool) {
        return false;
    }
}

contract Reverts {
    function verifyProof(bytes calldata, uint256[] calldata) external pure returns (bool) {
        revert("no reason that anyone should read");
    }
}

contract Silent {
    fallback() external {}
}

contract TwoWords {
    function verifyProof(bytes calldata, uint256[] calldata)
        external pure returns (uint256, uint256)
    {
        return (1, 1);
    }
}

contract Two {
    function verifyProof(bytes calldata, uint256[] calldata) external pure returns (uint256) {
        return 2;
    }
}

contract OneByte {
    fallback() external {
        assembly { mstore8(0, 1) return(0, 1) }
    }
}

contract Writer {
    uint256 private calls;
    function verifyProof(bytes calldata, uint256[] calldata) external returns (bool) {
        ++calls;
        return true;
    }
}

contract Reentrant {
    function verifyProof(bytes calldata, uint256[] calldata instances) external returns (bool) {
        if (instances.length > 0) {
            (bool ok, ) = msg.sender.call{gas: 200000}(abi.encodeWithSignature(
                "publish(address,bytes32,bytes32,bytes32,bytes,uint256[])",
                address(this), bytes32(0), bytes32(0), bytes32(0), "", new uint256[](0)
            ));
            ok;
        }
        return true;
    }
}

contract Checks {
    function verifyProof(bytes calldata proof, uint256[] calldata instances)
        external pure returns (bool)
    {
        return proof.length == 3 && proof[2] == 0x03
            && instances.length == 2 && instances[1] == 9;
    }
}

contract Forwarder {
    fallback() external {
        address registry = address(bytes20(msg.data[0:20]));
        (bool ok, ) = registry.call(msg.data[20:]);
        require(ok);
    }
}
"""


@dataclass
class Registry:
    """A deployed registry and the way to talk to it."""

    chain: Chain
    address: str

    def deploy(self, name: str) -> str:
        header, *contracts = VERIFIERS.split("\ncontract ")
        (body,) = [text for text in contracts if text.startswith(f"{name} ")]
        made = compile_contract(f"{header}\ncontract {body}", name)
        return self.chain.connection.ensure(made.code_hash, made.creation, name)[0]

    def publication(self, verifier: str, **changes: object) -> Publication:
        base = Publication(
            verifier, "11" * 32, "22" * 32, "33" * 32, EvmCall(b"\x01\x02\x03", (7, 9))
        )
        return replace(base, **changes)

    def send(self, data: bytes, to: str | None = None) -> dict:
        return self.chain.connection.sender.send(to or self.address, data, "test")

    def refusal(self, publication: Publication) -> tuple[str, tuple]:
        """Name and arguments of the error that publishing gives."""
        with pytest.raises(RevertedError) as caught:
            self.send(publication.calldata())
        error = interface("ProofRegistry").error(caught.value.data)
        assert error is not None, caught.value.data
        return error

    @property
    def reader(self) -> GeneratedRegistry:
        return GeneratedRegistry(self.chain.connection.sender, self.address)

    @property
    def state(self) -> tuple[int, ...]:
        """createdIn, latestIn, count, number of events."""
        asked = contract("ProofRegistry", self.address, self.chain.connection.sender)
        numbers = tuple(asked.call(name) for name in ("createdIn", "latestIn", "count"))
        return (*numbers, len(list(self.chain.published())))


@pytest.fixture(scope="session")
def begun() -> Begun:
    """The registry stands."""
    with connect() as chain:
        shipped = artefact("ProofRegistry")
        chain.connection.ensure(shipped.code_hash, shipped.creation, "the registry")
        return Begun(chain)


@pytest.fixture
def registry(begun: Begun) -> Iterator[Registry]:
    with begun.connect() as chain:
        (address,) = chain.registries
        yield Registry(chain, address)
