// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ModelRegistry} from "../src/ModelRegistry.sol";
import {PullPayments} from "../src/PullPayments.sol";
import {Base} from "./Base.sol";
import {FeeToken, Payee, Token} from "./Doubles.sol";

contract ModelsTest is Base {
    address private constant ANN = address(0xA11);
    address private constant BOB = address(0xB0B);
    address private constant EVE = address(0xE4E);

    ModelRegistry private registry;
    Token private token;

    function setUp() public {
        registry = new ModelRegistry();
        token = new Token();
        vm.deal(address(this), 1e30);
    }

    function _commitment() private pure returns (ModelRegistry.ModelCommitment memory) {
        return ModelRegistry.ModelCommitment("model", "circuit", "key", 0x01020304, "ipfs://x");
    }

    function _shares(uint16 first) private pure returns (ModelRegistry.Share[] memory shares) {
        shares = new ModelRegistry.Share[](2);
        shares[0] = ModelRegistry.Share(ANN, first, ModelRegistry.Role.Data);
        shares[1] = ModelRegistry.Share(BOB, 10_000 - first, ModelRegistry.Role.Application);
    }

    function _register(ModelRegistry.Share[] memory shares) private returns (uint256) {
        return registry.registerModelWithTerms(_commitment(), "MIT", 500, shares);
    }

    function testTheStandardsFunctions() public {
        eq(uint32(registry.registerModel.selector), 0x88e9606f, "registerModel");
        eq(uint32(registry.deprecateModel.selector), 0xb0453384, "deprecateModel");
        eq(uint32(registry.getModel.selector), 0x6d361694, "getModel");
        vm.prank(ANN);
        uint256 id = registry.registerModel(_commitment());
        ModelRegistry.Model memory model = registry.getModel(id);
        eq(model.owner, ANN, "owner");
        eq(model.vkHash, "key", "key");
        eq(model.royalty, 0, "royalty");
    }

    function testRegistrationIsAnEvent() public {
        ModelRegistry.Share[] memory shares = _shares(2500);
        uint256 id = registry.modelIdOf(address(this), _commitment(), "MIT", 500, shares);
        vm.expectEmit(true, true, false, true, address(registry));
        emit ModelRegistry.ModelRegistered(id, address(this), _commitment());
        vm.expectEmit(true, false, false, true, address(registry));
        emit ModelRegistry.ModelTerms(id, "MIT", 500, shares);
        eq(_register(shares), id, "identifier");
    }

    function testASquatterTakesNobodysPlace() public {
        vm.prank(EVE);
        uint256 theirs = _register(_shares(1));
        uint256 ours = _register(_shares(1));
        yes(theirs != ours, "identifiers differ");
    }

    function testTheSameIsRegisteredOnce() public {
        uint256 id = _register(_shares(1));
        registry.offerOwnership(id, BOB);
        vm.prank(BOB);
        registry.acceptOwnership(id);
        ModelRegistry.Share[] memory shares = _shares(1);
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.ModelExists.selector, id));
        registry.registerModelWithTerms(_commitment(), "MIT", 500, shares);
    }

    function testSharesSumToTheWhole(uint16 first, uint16 second) public {
        vm.assume(uint256(first) + second != 10_000);
        ModelRegistry.Share[] memory shares = _shares(1);
        (shares[0].basisPoints, shares[1].basisPoints) = (first, second);
        vm.expectRevert(ModelRegistry.BadShares.selector);
        _register(shares);
    }

    function testSharesAreOfSomebody() public {
        ModelRegistry.Share[] memory shares = _shares(1);
        shares[1].account = address(0);
        vm.expectRevert(ModelRegistry.BadShares.selector);
        _register(shares);
        shares = _shares(0);
        vm.expectRevert(ModelRegistry.BadShares.selector);
        _register(shares);
        shares = new ModelRegistry.Share[](0);
        vm.expectRevert(ModelRegistry.BadShares.selector);
        _register(shares);
        shares = new ModelRegistry.Share[](65);
        vm.expectRevert(ModelRegistry.BadShares.selector);
        _register(shares);
    }

    function testOtherBadRegistrations() public {
        ModelRegistry.Share[] memory shares = _shares(1);
        ModelRegistry.ModelCommitment memory empty = _commitment();
        empty.vkHash = 0;
        vm.expectRevert(ModelRegistry.NoVerifyingKey.selector);
        registry.registerModel(empty);
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.BadRoyalty.selector, 10_001));
        registry.registerModelWithTerms(_commitment(), "", 10_001, shares);
    }

    function testOwnershipChangesInTwoSteps() public {
        uint256 id = _register(_shares(1));
        registry.offerOwnership(id, BOB);
        eq(registry.getModel(id).owner, address(this), "owner before");
        vm.prank(EVE);
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.NotModelOwner.selector, id, EVE));
        registry.acceptOwnership(id);
        vm.prank(BOB);
        registry.acceptOwnership(id);
        eq(registry.getModel(id).owner, BOB, "owner after");
        vm.prank(BOB);
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.NotModelOwner.selector, id, BOB));
        registry.acceptOwnership(id);
        vm.expectRevert(
            abi.encodeWithSelector(ModelRegistry.NotModelOwner.selector, id, address(this))
        );
        registry.deprecateModel(id);
    }

    function testAnOfferCanBeTakenBack() public {
        uint256 id = _register(_shares(1));
        registry.offerOwnership(id, BOB);
        registry.offerOwnership(id, address(0));
        vm.prank(BOB);
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.NotModelOwner.selector, id, BOB));
        registry.acceptOwnership(id);
    }

    function testStrangersChangeNothing(address stranger) public {
        vm.assume(stranger != address(this) && stranger != address(0));
        uint256 id = _register(_shares(1));
        bytes memory no = abi.encodeWithSelector(ModelRegistry.NotModelOwner.selector, id, stranger);
        vm.startPrank(stranger);
        vm.expectRevert(no);
        registry.deprecateModel(id);
        vm.expectRevert(no);
        registry.offerOwnership(id, stranger);
        vm.expectRevert(no);
        registry.setSuccessor(id, id);
        vm.expectRevert(no);
        registry.acceptOwnership(id);
    }

    function testDeprecationAndSuccessor() public {
        uint256 id = _register(_shares(1));
        uint256 next = _register(_shares(2));
        vm.expectEmit(true, true, false, true, address(registry));
        emit ModelRegistry.SuccessorSet(id, next);
        registry.setSuccessor(id, next);
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.ModelNotFound.selector, 5));
        registry.setSuccessor(id, 5);
        registry.deprecateModel(id);
        yes(registry.getModel(id).deprecated, "deprecated");
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.ModelIsDeprecated.selector, id));
        registry.deprecateModel(id);
    }

    function testUnknownModels(uint256 id) public {
        bytes memory unknown = abi.encodeWithSelector(ModelRegistry.ModelNotFound.selector, id);
        vm.expectRevert(unknown);
        registry.getModel(id);
        vm.expectRevert(unknown);
        registry.pay{value: 1}(id, address(0), 1);
        vm.expectRevert(unknown);
        registry.deprecateModel(id);
        vm.expectRevert(unknown);
        registry.claim(id, address(0), _shares(1), 0);
    }

    function testRevenueIsSplit(uint96[6] calldata payments, uint16 first, bool early) public {
        first = uint16(within(first, 1, 9_999));
        ModelRegistry.Share[] memory shares = _shares(first);
        uint256 id = _register(shares);
        uint256 total = 0;
        for (uint256 i = 0; i < 6; ++i) {
            registry.pay{value: payments[i]}(id, address(0), payments[i]);
            total += payments[i];
            if (early && i % 2 == 0) registry.claim(id, address(0), shares, 0);
        }
        registry.claim(id, address(0), shares, 0);
        registry.claim(id, address(0), shares, 1);
        registry.claim(id, address(0), shares, 1);
        eq(ANN.balance, total * first / 10_000, "first part");
        eq(BOB.balance, total * (10_000 - first) / 10_000, "second part");
        yes(address(registry).balance <= 1, "nothing but a rounding is left");
    }

    function testRevenueInAToken(uint96 amount) public {
        ModelRegistry.Share[] memory shares = _shares(2500);
        uint256 id = _register(shares);
        token.mint(address(this), amount);
        token.approve(address(registry), amount);
        registry.pay(id, address(token), amount);
        registry.claim(id, address(token), shares, 0);
        registry.claim(id, address(token), shares, 1);
        eq(token.balanceOf(ANN), uint256(amount) / 4, "a quarter");
        eq(token.balanceOf(BOB), uint256(amount) * 3 / 4, "three quarters");
    }

    function testOnlyTheRegisteredSharesCount() public {
        uint256 id = _register(_shares(2500));
        ModelRegistry.Share[] memory others = _shares(2501);
        registry.pay{value: 100}(id, address(0), 100);
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.OtherShares.selector, id));
        registry.claim(id, address(0), others, 0);
    }

    function testMoneyComesInExactly() public {
        uint256 id = _register(_shares(2500));
        vm.expectRevert(abi.encodeWithSelector(PullPayments.WrongValue.selector, 1, 2));
        registry.pay{value: 1}(id, address(0), 2);
        vm.expectRevert(abi.encodeWithSelector(PullPayments.WrongValue.selector, 1, 0));
        registry.pay{value: 1}(id, address(token), 1);
        FeeToken fee = new FeeToken();
        fee.mint(address(this), 1000);
        fee.approve(address(registry), 1000);
        vm.expectRevert(
            abi.encodeWithSelector(
                PullPayments.InexactTransfer.selector, address(fee), 990, 1000
            )
        );
        registry.pay(id, address(fee), 1000);
    }

    function testAPayeeCannotReenterOrBlockOthers() public {
        Payee payee = new Payee();
        ModelRegistry.Share[] memory shares = _shares(5000);
        shares[0].account = address(payee);
        uint256 id = _register(shares);
        registry.pay{value: 100}(id, address(0), 100);
        payee.refuse(true);
        vm.expectRevert();
        registry.claim(id, address(0), shares, 0);
        registry.claim(id, address(0), shares, 1);
        eq(BOB.balance, 50, "the other is paid");
        payee.refuse(false);
        payee.hook(
            address(registry), abi.encodeCall(registry.claim, (id, address(0), shares, 0))
        );
        registry.claim(id, address(0), shares, 0);
        yes(!payee.ok(), "entered again");
        eq(
            bytes32(payee.answer()),
            bytes32(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector),
            "refused by the guard"
        );
        eq(address(payee).balance, 50, "paid once");
    }
}
