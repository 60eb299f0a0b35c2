// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {NativeProofRegistry} from "../src/NativeProofRegistry.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {Base} from "./Base.sol";
import {Prove, RuleVerifier} from "./Doubles.sol";

contract RegistryTest is Base {
    bytes4 private constant SYSTEM = bytes4(keccak256("rule-v1"));
    address private constant ANN = address(0xA);
    address private constant BOB = address(0xB);

    VerifierRouter private router;
    NativeProofRegistry private registry;
    bytes32 private circuit;
    bytes private words = new bytes(48);

    function setUp() public {
        vm.roll(100);
        RuleVerifier verifier = new RuleVerifier();
        circuit = verifier.register(abi.encode(RuleVerifier.Circuit("key", 1, 2, 1, true, false)));
        (bytes4[] memory names, address[] memory at) = (new bytes4[](1), new address[](1));
        (names[0], at[0]) = (SYSTEM, address(verifier));
        router = new VerifierRouter(address(this), 1 days, names, at);
        registry = new NativeProofRegistry(router);
    }

    function _publish(address who, bytes memory context, bytes32[] memory linked) private {
        bytes32 bound = context.length == 0 ? bytes32(0) : keccak256(context);
        bytes memory proof = Prove.prove(circuit, bound, words, linked);
        vm.prank(who);
        registry.publish(SYSTEM, circuit, context, words, proof);
    }

    function _id(address who, bytes memory context, bytes32[] memory linked)
        private
        view
        returns (bytes32)
    {
        bytes32 bound = context.length == 0 ? bytes32(0) : keccak256(context);
        return registry.recordId(who, SYSTEM, circuit, bound, keccak256(words), linked);
    }

    function testAPublicationIsAnEvent() public {
        bytes32[] memory linked = new bytes32[](1);
        linked[0] = "commitment";
        bytes memory context = '{"job":7}';
        bytes memory proof = Prove.prove(circuit, keccak256(context), words, linked);
        vm.expectEmit(true, true, true, true, address(registry));
        emit NativeProofRegistry.ProofPublished(
            "key",
            circuit,
            ANN,
            SYSTEM,
            keccak256(context),
            keccak256(words),
            keccak256(proof),
            linked,
            0
        );
        _publish(ANN, context, linked);
        eq(registry.publishedIn(_id(ANN, context, linked)), 100, "block");
        eq(registry.count(), 1, "count");
        eq(registry.latestIn(), 100, "latest");
        eq(registry.createdIn(), 100, "created");
    }

    function testBlocksAreChained() public {
        _publish(ANN, "a", new bytes32[](0));
        vm.roll(105);
        vm.expectEmit(true, true, true, false, address(registry));
        emit NativeProofRegistry.ProofPublished(
            "key", circuit, ANN, SYSTEM, 0, 0, 0, new bytes32[](0), 100
        );
        _publish(ANN, "b", new bytes32[](0));
        eq(registry.latestIn(), 105, "latest");
        eq(registry.count(), 2, "count");
    }

    function testAStatementIsRecordedOncePerPublisher() public {
        bytes32[] memory none = new bytes32[](0);
        _publish(ANN, "", none);
        bytes memory proof = Prove.prove(circuit, 0, words, none);
        bytes memory again = abi.encodeWithSelector(
            NativeProofRegistry.AlreadyPublished.selector, _id(ANN, "", none)
        );
        vm.prank(ANN);
        vm.expectRevert(again);
        registry.publish(SYSTEM, circuit, "", words, proof);
        // Another spelling of the proof is no second record.
        vm.prank(ANN);
        vm.expectRevert(again);
        registry.publish(SYSTEM, circuit, "", words, bytes.concat(proof, bytes32(0)));
        eq(registry.count(), 1, "count");
    }

    function testACopierKeepsNobodyOut() public {
        bytes32[] memory none = new bytes32[](0);
        _publish(BOB, "mine", none);
        _publish(ANN, "mine", none);
        eq(registry.count(), 2, "count");
    }

    function testARefusalLeavesNoTrace(bytes32 context, uint8 flipped) public {
        bytes memory proof = Prove.prove(circuit, context, words, new bytes32[](0));
        proof[flipped % 32] ^= 0x01;
        vm.expectRevert(RuleVerifier.ProofRefused.selector);
        registry.publish(SYSTEM, circuit, "", words, proof);
        eq(registry.count(), 0, "count");
        eq(registry.latestIn(), 0, "latest");
    }

    function testARevokedVerifierRecordsNothing() public {
        router.revoke(SYSTEM);
        bytes memory proof = Prove.prove(circuit, 0, words, new bytes32[](0));
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.SystemRevoked.selector, SYSTEM));
        registry.publish(SYSTEM, circuit, "", words, proof);
    }
}
