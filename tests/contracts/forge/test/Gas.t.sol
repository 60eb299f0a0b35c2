// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {JobMarket} from "../src/JobMarket.sol";
import {ModelRegistry} from "../src/ModelRegistry.sol";
import {NativeProofRegistry} from "../src/NativeProofRegistry.sol";
import {Market} from "./Market.sol";
import {Prove} from "./Doubles.sol";

/// @dev One step for each test, everything before it in `setUp`: the snapshot is what people pay,
///      less the base fee, calldata, and a real verifier's work.
contract GasTest is Market {
    NativeProofRegistry private registry;
    JobMarket.Terms private open;
    JobMarket.Terms private offered;
    JobMarket.Terms private accepted;
    JobMarket.Bid private bid;
    bytes private signature;
    bytes private proof;
    bytes private published;

    function setUp() public override {
        super.setUp();
        registry = new NativeProofRegistry(router);
        (open, offered, accepted) = (terms(), terms(), terms());
        (open.salt, offered.salt, accepted.salt) = (2, 3, 4);
        post(open);
        post(offered);
        post(accepted);
        lease(offered, 4 ether);
        lease(accepted, 4 ether);
        accept(accepted);
        bid = bidOf(open, 4 ether);
        signature = sign(bid, KEY);
        proof = proofFor(accepted, provider);
        published = Prove.prove(circuit, 0, output(), NONE);
        registry.publish(SYSTEM, circuit, "", output(), published); // the first costs a slot more
        vm.startPrank(client);
    }

    function testPost() public {
        market.post{value: 5 ether}(terms(), input);
    }

    function testLease() public {
        market.lease(open, bid, signature);
    }

    function testAccept() public {
        vm.stopPrank();
        vm.prank(provider);
        market.accept(offered);
    }

    function testFulfil() public {
        market.fulfil(accepted, output(), proof);
    }

    function testContext() public view {
        market.contextOf(uint256(keccak256("job")), provider);
    }

    function testPublish() public {
        registry.publish(SYSTEM, circuit, "", output(), published);
    }

    function testRegisterModel() public {
        models.registerModel(ModelRegistry.ModelCommitment("m", "c", "key", SYSTEM, "ipfs://x"));
    }
}
