// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IProofVerifier} from "../src/IProofVerifier.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {Base} from "./Base.sol";
import {Prove, RuleVerifier} from "./Doubles.sol";

contract RouterTest is Base {
    bytes4 private constant FIRST = bytes4(keccak256("first-v1"));
    bytes4 private constant SECOND = bytes4(keccak256("second-v1"));
    address private constant OWNER = address(0xA11CE);
    uint64 private constant DELAY = 2 days;

    RuleVerifier private verifier;
    VerifierRouter private router;
    bytes32 private circuit;
    bytes32 private development;

    function setUp() public {
        vm.warp(1_700_000_000);
        verifier = new RuleVerifier();
        RuleVerifier.Circuit memory one = RuleVerifier.Circuit("key", 1, 2, 1, true, false);
        circuit = verifier.register(abi.encode(one));
        one.developmentSrs = true;
        development = verifier.register(abi.encode(one));
        router = _router(DELAY);
    }

    function _router(uint64 delay) private returns (VerifierRouter) {
        (bytes4[] memory names, address[] memory at) = (new bytes4[](1), new address[](1));
        (names[0], at[0]) = (FIRST, address(verifier));
        return new VerifierRouter(OWNER, delay, names, at);
    }

    function testFirstSystemsCountAtOnce() public view {
        eq(address(router.verifierOf(FIRST)), address(verifier), "verifier");
        eq(router.systemCount(), 1, "systems");
        eq(router.systems(0), FIRST, "name");
    }

    function testDelayHasAMinimum() public {
        uint64 delay = router.MIN_DELAY() - 1;
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.DelayTooShort.selector, delay));
        _router(delay);
    }

    function testListsHaveOneLength() public {
        vm.expectRevert(VerifierRouter.UnequalLists.selector);
        new VerifierRouter(OWNER, DELAY, new bytes4[](1), new address[](2));
    }

    function testAdditionCountsAfterTheDelay(uint32 wait) public {
        RuleVerifier other = new RuleVerifier();
        uint256 from = block.timestamp + DELAY;
        vm.prank(OWNER);
        router.add(SECOND, address(other));
        vm.warp(block.timestamp + wait);
        if (block.timestamp < from) {
            vm.expectRevert(
                abi.encodeWithSelector(VerifierRouter.SystemNotActive.selector, SECOND, from)
            );
            router.verifierOf(SECOND);
        } else {
            eq(address(router.verifierOf(SECOND)), address(other), "verifier");
        }
    }

    function testOnlyTheOwnerAddsAndRevokes(address stranger) public {
        vm.assume(stranger != OWNER);
        bytes memory refusal =
            abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, stranger);
        vm.startPrank(stranger);
        vm.expectRevert(refusal);
        router.add(SECOND, address(verifier));
        vm.expectRevert(refusal);
        router.revoke(FIRST);
    }

    function testNamesAreNeverReused() public {
        vm.startPrank(OWNER);
        bytes memory exists = abi.encodeWithSelector(VerifierRouter.SystemExists.selector, FIRST);
        vm.expectRevert(exists);
        router.add(FIRST, address(this));
        router.revoke(FIRST);
        vm.expectRevert(exists);
        router.add(FIRST, address(verifier));
    }

    function testRevocationIsForEver() public {
        vm.startPrank(OWNER);
        router.revoke(FIRST);
        eq(router.revokedAt(FIRST), block.timestamp, "revoked");
        bytes memory revoked = abi.encodeWithSelector(VerifierRouter.SystemRevoked.selector, FIRST);
        vm.expectRevert(revoked);
        router.verifierOf(FIRST);
        vm.expectRevert(revoked);
        router.revoke(FIRST);
        vm.warp(block.timestamp + 3650 days);
        vm.expectRevert(revoked);
        router.verify(FIRST, circuit, 0, new bytes(48), "");
    }

    function testAnAdditionCanBeRevokedBeforeItCounts() public {
        vm.startPrank(OWNER);
        router.add(SECOND, address(verifier));
        router.revoke(SECOND);
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.SystemRevoked.selector, SECOND));
        router.verifierOf(SECOND);
    }

    function testUnknownNames() public {
        bytes memory unknown = abi.encodeWithSelector(VerifierRouter.UnknownSystem.selector, SECOND);
        vm.expectRevert(unknown);
        router.verifierOf(SECOND);
        vm.prank(OWNER);
        vm.expectRevert(unknown);
        router.revoke(SECOND);
    }

    function testAVerifierHasCode() public {
        vm.prank(OWNER);
        vm.expectRevert(
            abi.encodeWithSelector(VerifierRouter.VerifierWithoutCode.selector, address(4))
        );
        router.add(SECOND, address(4));
    }

    function testOwnershipChangesInTwoSteps() public {
        vm.prank(OWNER);
        router.transferOwnership(address(7));
        eq(router.owner(), OWNER, "owner before");
        vm.prank(address(7));
        router.acceptOwnership();
        eq(router.owner(), address(7), "owner after");
    }

    function testForwardsWhatTheVerifierFinds() public view {
        bytes32[] memory linked = new bytes32[](2);
        (linked[0], linked[1]) = (bytes32("one"), bytes32("two"));
        bytes memory words = new bytes(48);
        (bytes32 key, uint256 inputBytes, bytes32[] memory found) =
            router.verify(FIRST, circuit, "c", words, Prove.prove(circuit, "c", words, linked));
        eq(key, "key", "key");
        eq(inputBytes, 32, "bytes of inputs");
        eq(found.length, 2, "commitments");
        eq(found[1], "two", "commitment");
    }

    function testForwardsTheVerifiersError() public {
        bytes memory proof = Prove.prove(circuit, "c", new bytes(48), new bytes32[](0));
        vm.expectRevert(RuleVerifier.ProofRefused.selector);
        router.verify(FIRST, circuit, "d", new bytes(48), proof);
        vm.expectRevert(abi.encodeWithSelector(RuleVerifier.WrongLength.selector, 64));
        router.verify(FIRST, circuit, "c", new bytes(64), proof);
    }

    function testUnknownCircuits(bytes32 other) public {
        vm.assume(other != circuit && other != development);
        vm.expectRevert(
            abi.encodeWithSelector(VerifierRouter.UnknownCircuit.selector, FIRST, other)
        );
        router.circuitOf(FIRST, other);
    }

    function testDevelopmentStringsAreForLocalChains(uint64 chain) public {
        vm.assume(chain != 0 && chain < type(uint64).max);
        bool local = chain == 31337 || chain == 1337 || chain == 131277322940537;
        vm.chainId(chain);
        if (!local) {
            vm.expectRevert(
                abi.encodeWithSelector(VerifierRouter.DevelopmentSrs.selector, development)
            );
        }
        router.circuitOf(FIRST, development);
        router.circuitOf(FIRST, circuit);
    }

    function testTheThreeLocalChains() public {
        uint64[3] memory chains = [uint64(31337), 1337, 131277322940537];
        for (uint256 i = 0; i < 3; ++i) {
            vm.chainId(chains[i]);
            router.circuitOf(FIRST, development);
        }
    }
}
