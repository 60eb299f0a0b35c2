// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IProofVerifier} from "./IProofVerifier.sol";

/// @title The verifiers that the other contracts believe, one for each proof system.
/// @notice A system is named by four bytes, the first of Keccak-256 of its name and version
///         (ERC-7992: `proofSystemId`). What a name stands for never changes: the owner may add a
///         name, which counts only after `DELAY`, and may revoke one, at once and for ever. The
///         owner can replace nothing and can make no proof pass that its verifier refuses.
/// @notice Whoever relies on this contract trusts the owner for two things: not to add a verifier
///         that accepts falsehoods (`DELAY` is the time to notice), and not to revoke a sound one.
contract VerifierRouter is Ownable2Step {
    /// @param implementation The verifier.
    /// @param activeFrom Time from which it counts, seconds; 0 if the name is unknown.
    /// @param revokedAt Time from which it counts no longer, seconds; 0 if it was not revoked.
    struct Entry {
        address implementation;
        uint48 activeFrom;
        uint48 revokedAt;
    }

    /// @notice A verifier will count from `activeFrom` on, unless it is revoked before.
    event VerifierAdded(bytes4 indexed system, address implementation, uint64 activeFrom);

    /// @notice A verifier counts no longer, and its name is used up.
    event VerifierRevoked(bytes4 indexed system);

    /// @notice The delay is shorter than `MIN_DELAY`.
    error DelayTooShort(uint64 delay);
    /// @notice The lists of the constructor have different lengths.
    error UnequalLists();
    /// @notice The name was used before.
    error SystemExists(bytes4 system);
    /// @notice The name was never used.
    error UnknownSystem(bytes4 system);
    /// @notice The verifier was revoked.
    error SystemRevoked(bytes4 system);
    /// @notice The verifier does not count yet.
    error SystemNotActive(bytes4 system, uint64 activeFrom);
    /// @notice There is no code at the verifier's address.
    error VerifierWithoutCode(address implementation);
    /// @notice The verifier does not know the circuit.
    error UnknownCircuit(bytes4 system, bytes32 circuit);
    /// @notice The circuit's reference string is the development one: anybody could forge.
    error DevelopmentSrs(bytes32 circuit);

    /// @notice The shortest delay that can be chosen.
    uint64 public constant MIN_DELAY = 1 days;

    /// @notice Seconds between the addition of a verifier and the time from which it counts.
    uint64 public immutable DELAY;

    /// @notice What each name stands for.
    mapping(bytes4 system => Entry) public entries;

    /// @notice All names that were ever used, in order.
    bytes4[] public systems;

    /// @param owner Who may add and revoke.
    /// @param delay See `DELAY`.
    /// @param names First systems; they count at once, since nobody relies on this contract yet.
    /// @param implementations Their verifiers.
    constructor(
        address owner,
        uint64 delay,
        bytes4[] memory names,
        address[] memory implementations
    ) Ownable(owner) {
        if (delay < MIN_DELAY) revert DelayTooShort(delay);
        if (names.length != implementations.length) revert UnequalLists();
        DELAY = delay;
        for (uint256 i = 0; i < names.length; ++i) {
            _add(names[i], implementations[i], uint64(block.timestamp));
        }
    }

    /// @notice Add a verifier under a new name. It counts after `DELAY`.
    function add(bytes4 system, address implementation) external onlyOwner {
        _add(system, implementation, uint64(block.timestamp) + DELAY);
    }

    /// @notice Revoke a verifier, or an addition that does not count yet. Cannot be undone.
    function revoke(bytes4 system) external onlyOwner {
        Entry storage entry = entries[system];
        if (entry.activeFrom == 0) revert UnknownSystem(system);
        if (entry.revokedAt != 0) revert SystemRevoked(system);
        entry.revokedAt = uint48(block.timestamp);
        emit VerifierRevoked(system);
    }

    /// @notice Number of names in `systems`.
    function systemCount() external view returns (uint256) {
        return systems.length;
    }

    /// @notice When a verifier was revoked, in seconds; 0 if it was not.
    function revokedAt(bytes4 system) external view returns (uint256) {
        return entries[system].revokedAt;
    }

    /// @notice The verifier that counts for a system.
    function verifierOf(bytes4 system) public view returns (IProofVerifier) {
        Entry memory entry = entries[system];
        if (entry.activeFrom == 0) revert UnknownSystem(system);
        if (entry.revokedAt != 0) revert SystemRevoked(system);
        // A proposer of blocks can shift the time by seconds; the delay is days.
        if (block.timestamp < entry.activeFrom) revert SystemNotActive(system, entry.activeFrom);
        return IProofVerifier(entry.implementation);
    }

    /// @notice A circuit that proofs may be verified for here.
    /// @return keyDigest Digest of its key.
    /// @return inputBytes Length of its inputs' public words.
    function circuitOf(bytes4 system, bytes32 circuit)
        public
        view
        returns (bytes32 keyDigest, uint256 inputBytes)
    {
        return _circuit(verifierOf(system), system, circuit);
    }

    /// @notice Returns if the proof holds, and reverts otherwise, with the verifier's own error if
    ///         it is the verifier that refuses.
    /// @return keyDigest As `circuitOf`.
    /// @return inputBytes As `circuitOf`.
    /// @return linked As `IProofVerifier.verify`.
    function verify(
        bytes4 system,
        bytes32 circuit,
        bytes32 context,
        bytes calldata words,
        bytes calldata proof
    ) external view returns (bytes32 keyDigest, uint256 inputBytes, bytes32[] memory linked) {
        IProofVerifier verifier = verifierOf(system);
        (keyDigest, inputBytes) = _circuit(verifier, system, circuit);
        linked = verifier.verify(circuit, context, words, proof);
    }

    function _circuit(IProofVerifier verifier, bytes4 system, bytes32 circuit)
        private
        view
        returns (bytes32 keyDigest, uint256 inputBytes)
    {
        uint32 inputWords;
        bool developmentSrs;
        (keyDigest,, inputWords,,, developmentSrs,) = verifier.circuitInfo(circuit);
        if (keyDigest == 0) revert UnknownCircuit(system, circuit);
        if (developmentSrs && !_isLocal()) revert DevelopmentSrs(circuit);
        inputBytes = 16 * uint256(inputWords);
    }

    /// @dev Chains that live on one machine: anvil and hardhat, geth's and ganache's default,
    ///      eth-tester.
    function _isLocal() private view returns (bool) {
        return block.chainid == 31337 || block.chainid == 1337 || block.chainid == 131277322940537;
    }

    function _add(bytes4 system, address implementation, uint64 activeFrom) private {
        if (entries[system].activeFrom != 0) revert SystemExists(system);
        if (implementation.code.length == 0) revert VerifierWithoutCode(implementation);
        entries[system] = Entry(implementation, uint48(activeFrom), 0);
        systems.push(system);
        emit VerifierAdded(system, implementation, activeFrom);
    }
}
