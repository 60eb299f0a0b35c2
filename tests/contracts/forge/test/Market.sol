// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {JobMarket} from "../src/JobMarket.sol";
import {ModelRegistry} from "../src/ModelRegistry.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {Base} from "./Base.sol";
import {Prove, RuleVerifier, Token} from "./Doubles.sol";

/// @dev A market with a verifier by rule, a circuit of two input words and one output word, and the
///      steps of a job.
abstract contract Market is Base {
    bytes4 internal constant SYSTEM = bytes4(keccak256("rule-v1"));
    uint256 internal constant KEY = 0xBEEF;
    uint256 internal constant START = 1_700_000_000;
    bytes32[] internal NONE;

    address internal client = address(0xC11E47);
    address internal provider;
    address internal stranger = address(0x57A46E);

    VerifierRouter internal router;
    ModelRegistry internal models;
    JobMarket internal market;
    RuleVerifier internal verifier;
    Token internal token;
    bytes32 internal circuit;
    bytes internal input = new bytes(32);

    function setUp() public virtual {
        vm.warp(START);
        provider = vm.addr(KEY);
        verifier = new RuleVerifier();
        circuit = verifier.register(abi.encode(RuleVerifier.Circuit("key", 1, 2, 1, true, false)));
        (bytes4[] memory names, address[] memory at) = (new bytes4[](1), new address[](1));
        (names[0], at[0]) = (SYSTEM, address(verifier));
        router = new VerifierRouter(address(this), 1 days, names, at);
        models = new ModelRegistry();
        market = new JobMarket(router, models);
        token = new Token();
        input[31] = 0x07;
        for (uint256 i = 0; i < 3; ++i) {
            address who = [client, provider, stranger][i];
            vm.deal(who, 1000 ether);
            token.mint(who, 1000 ether);
            vm.prank(who);
            token.approve(address(market), type(uint256).max);
        }
        vm.prank(provider);
        market.registerProvider{value: 10 ether}("https://provider.example");
    }

    function terms() internal view returns (JobMarket.Terms memory) {
        return JobMarket.Terms({
            client: client,
            system: SYSTEM,
            circuit: circuit,
            inputDigest: keccak256(input),
            linkedDigest: keccak256(""),
            linkedInputs: 0,
            royalty: 0,
            modelId: 0,
            token: address(0),
            budget: 5 ether,
            collateral: 2 ether,
            expiry: uint40(START + 1 days),
            acceptSeconds: 600,
            provingSeconds: 3600,
            salt: 1
        });
    }

    function post(JobMarket.Terms memory t) internal returns (uint256) {
        vm.prank(t.client);
        return market.post{value: t.token == address(0) ? t.budget : 0}(t, input);
    }

    function bidOf(JobMarket.Terms memory t, uint128 price)
        internal
        view
        returns (JobMarket.Bid memory)
    {
        return JobMarket.Bid(market.jobId(t), provider, price, uint40(START + 1 days));
    }

    function sign(JobMarket.Bid memory bid, uint256 key) internal returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, market.bidDigest(bid));
        return abi.encodePacked(r, s, v);
    }

    function lease(JobMarket.Terms memory t, uint128 price) internal {
        JobMarket.Bid memory bid = bidOf(t, price);
        bytes memory signature = sign(bid, KEY);
        vm.prank(t.client);
        market.lease(t, bid, signature);
    }

    function accept(JobMarket.Terms memory t) internal {
        vm.prank(provider);
        market.accept(t);
    }

    function output() internal view returns (bytes memory) {
        return bytes.concat(input, bytes16("output"));
    }

    function proofFor(JobMarket.Terms memory t, address who) internal view returns (bytes memory) {
        bytes32 context = keccak256(market.contextOf(market.jobId(t), who));
        return Prove.prove(t.circuit, context, output(), NONE);
    }

    function fulfil(JobMarket.Terms memory t) internal {
        bytes memory proof = proofFor(t, provider);
        vm.prank(provider);
        market.fulfil(t, output(), proof);
    }

    function stateOf(JobMarket.Terms memory t) internal view returns (JobMarket.State state) {
        (,, state,) = market.jobs(market.jobId(t));
    }

    function available(address who) internal view returns (uint256 amount) {
        (amount,) = market.collateral(who);
    }

    function locked(address who) internal view returns (uint256 amount) {
        (, amount) = market.collateral(who);
    }

    function expectState(JobMarket.Terms memory t, JobMarket.State state) internal {
        vm.expectRevert(
            abi.encodeWithSelector(JobMarket.WrongState.selector, market.jobId(t), state)
        );
    }

    function expectLate(uint256 until) internal {
        vm.expectRevert(abi.encodeWithSelector(JobMarket.TooLate.selector, until));
    }

    function expectEarly(uint256 until) internal {
        vm.expectRevert(abi.encodeWithSelector(JobMarket.TooEarly.selector, until));
    }
}
