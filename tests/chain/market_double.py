"""A chain with the contract set around a verifier that accepts what a test tells it to."""

from __future__ import annotations

from dataclasses import dataclass

from verifai.chain import Chain
from verifai.chain.connection import Connection
from verifai.chain.deploy import Contracts, deploy
from verifai.chain.native.circuits import circuit_table
from verifai.chain.native.system import NATIVE_SYSTEM
from verifai.compact.table import circuit_id
from verifai.contracts.solidity import compile_contract
from verifai.evm import abi
from verifai.evm.transactions.sender import Sender
from verifai.evm.transactions.signer import KeyAccount
from verifai.market import Market
from verifai.proof import VerifyingKey

#: Accepts a proof, whatever its bytes, if a test has allowed its circuit, context and words.
VERIFIER = """
// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.20;

contract AllowingVerifier {
    error ProofRefused(bytes32 step);

    mapping(bytes32 => bytes32) private keys;
    mapping(bytes32 => uint256) private inputs;
    mapping(bytes32 => bool) private allowed;

    function know(bytes32 circuit, bytes32 key, uint256 inputWords) external {
        keys[circuit] = key;
        inputs[circuit] = inputWords;
    }

    function allow(bytes32 circuit, bytes32 context, bytes32 wordsDigest) external {
        allowed[keccak256(abi.encode(circuit, context, wordsDigest))] = true;
    }

    function verify(bytes32 circuit, bytes32 context, bytes calldata words, bytes calldata proof)
        external view returns (bytes32[] memory linked)
    {
        bool known = allowed[keccak256(abi.encode(circuit, context, keccak256(words)))];
        if (!known || proof.length == 0) revert ProofRefused("double");
        return new bytes32[](0);
    }

    function circuitInfo(bytes32 circuit)
        external view returns (bytes32, uint32, uint32, uint32, bool, bool, address)
    {
        return (keys[circuit], 1, uint32(inputs[circuit]), 1, true, true, address(0));
    }
}
"""
#: Private keys of the embedded chain's client (its development account) and of two others.
KEYS = {"client": 1, "provider": 2, "stranger": 3}
ETHER = 10**18


@dataclass
class World:
    """Everybody on one chain."""

    chain: Chain
    contracts: Contracts
    verifier: str
    circuit: bytes
    client: Market
    provider: Market
    stranger: Market

    def know_circuit(self, circuit: bytes, key: bytes, input_words: int) -> None:
        """Register some circuit under a key's digest, as anyone may."""
        self._tell("know(bytes32,bytes32,uint256)", circuit, key, input_words)

    def allow(self, context: bytes, words: bytes) -> None:
        """Have the verifier accept any proof of these words under this context."""
        self._tell("allow(bytes32,bytes32,bytes32)", self.circuit, context, abi.keccak(words))

    def wait(self, seconds: int) -> None:
        """Let time pass: the chain's next block is so much later."""
        tester = self.chain.web3.provider.ethereum_tester
        tester.backend.next_time = self.client.now() + seconds
        tester.backend.mine_blocks()

    def _tell(self, signature: str, *values: object) -> None:
        kinds = signature[signature.index("(") + 1 : -1].split(",")
        data = abi.selector(signature) + abi.encode(kinds, values)
        self.chain.connection.sender.send(self.verifier, data, signature)


def furnish(chain: Chain, vk: VerifyingKey, input_words: int) -> World:
    """Deploy everything on a fresh embedded chain, give everybody money, and register the key's
    circuit with the verifier."""
    from eth_account import Account

    _deployed(chain)
    for key in KEYS.values():
        account = Account.from_key(key.to_bytes(32, "big"))
        if account.address != chain.connection.sender.address:
            chain.send_coins(account.address, 100 * ETHER)
    world = make_world(chain, vk)
    world.know_circuit(world.circuit, bytes.fromhex(vk.digest), input_words)
    return world


def make_world(chain: Chain, vk: VerifyingKey) -> World:
    """Everybody on a chain that is furnished."""
    from eth_account import Account

    contracts = _deployed(chain)
    verifier = contracts.verifiers[NATIVE_SYSTEM]
    markets = {}
    for name, key in KEYS.items():
        account = Account.from_key(key.to_bytes(32, "big"))
        sender = Sender(chain.web3, KeyAccount(account), "embedded")
        other = Chain(Connection(sender, chain.connection.deployments))
        markets[name] = Market(other, contracts.market, verifier=verifier)
    return World(chain, contracts, verifier, circuit_id(circuit_table(vk, 1)), **markets)


def _deployed(chain: Chain) -> Contracts:
    contract = compile_contract(VERIFIER, "AllowingVerifier")
    return deploy(chain.connection.sender, {NATIVE_SYSTEM: contract.creation})
