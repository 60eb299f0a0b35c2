// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IProofVerifier} from "../src/IProofVerifier.sol";

/// @dev A verifier by rule: a proof is the digest of what it is about, followed by the commitments.
contract RuleVerifier is IProofVerifier {
    struct Circuit {
        bytes32 keyDigest;
        uint32 batch;
        uint32 inputWords;
        uint32 outputWords;
        bool hiding;
        bool developmentSrs;
    }

    error ProofRefused();
    error WrongLength(uint256 words);

    mapping(bytes32 circuit => Circuit) private _circuits;

    function register(bytes calldata table) external returns (bytes32 circuit) {
        circuit = keccak256(table);
        _circuits[circuit] = abi.decode(table, (Circuit));
    }

    function verify(bytes32 circuit, bytes32 context, bytes calldata words, bytes calldata proof)
        external
        view
        returns (bytes32[] memory linked)
    {
        Circuit memory known = _circuits[circuit];
        if (words.length != 16 * uint256(known.inputWords + known.outputWords)) {
            revert WrongLength(words.length);
        }
        bytes32 tag;
        (tag, linked) = abi.decode(proof, (bytes32, bytes32[]));
        if (tag != keccak256(abi.encode(circuit, context, words, linked))) revert ProofRefused();
    }

    function circuitInfo(bytes32 circuit)
        external
        view
        returns (bytes32, uint32, uint32, uint32, bool, bool, address)
    {
        Circuit memory c = _circuits[circuit];
        return (
            c.keyDigest,
            c.batch,
            c.inputWords,
            c.outputWords,
            c.hiding,
            c.developmentSrs,
            address(this)
        );
    }
}

library Prove {
    function prove(bytes32 circuit, bytes32 context, bytes memory words, bytes32[] memory linked)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encode(keccak256(abi.encode(circuit, context, words, linked)), linked);
    }
}

contract Token is ERC20 {
    constructor() ERC20("Token", "T") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @dev Burns a hundredth of every transfer once its fee is on.
contract FeeToken is Token {
    bool public fee = true;

    function setFee(bool on) external {
        fee = on;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (fee && from != address(0) && to != address(0)) {
            super._update(from, address(0), value / 100);
            value -= value / 100;
        }
        super._update(from, to, value);
    }
}

/// @dev Calls somebody back in the middle of a transfer.
contract HookToken is Token {
    address public target;
    bytes public data;
    bytes public answer;
    bool public ok;

    function hook(address to, bytes calldata call) external {
        target = to;
        data = call;
    }

    function _update(address from, address to, uint256 value) internal override {
        address aim = target;
        target = address(0);
        if (aim != address(0)) (ok, answer) = aim.call(data);
        super._update(from, to, value);
    }
}

/// @dev Calls back when it is paid, or refuses to be.
contract Payee {
    address public target;
    bytes public data;
    bytes public answer;
    bool public ok;
    bool public refuses;

    function hook(address to, bytes calldata call) external {
        target = to;
        data = call;
    }

    function refuse(bool on) external {
        refuses = on;
    }

    receive() external payable {
        require(!refuses, "no");
        if (target != address(0)) (ok, answer) = target.call(data);
    }
}

/// @dev A wallet that is a contract (ERC-1271): one key signs for it.
contract Wallet {
    address public immutable KEY;

    constructor(address key) {
        KEY = key;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature)
        external
        view
        returns (bytes4)
    {
        (bytes32 r, bytes32 s, uint8 v) = abi.decode(signature, (bytes32, bytes32, uint8));
        return ecrecover(digest, v, r, s) == KEY ? this.isValidSignature.selector : bytes4(0);
    }
}
