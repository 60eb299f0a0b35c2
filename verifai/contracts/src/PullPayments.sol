// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @title Money comes in exactly, is owed, and is fetched.
/// @notice Nothing is pushed to anybody in the course of something else, so nobody can make another
///         one's transaction fail by refusing money. The zero address stands for the native coin.
abstract contract PullPayments is ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice The native coin among tokens.
    address public constant NATIVE = address(0);

    /// @notice What an account can fetch.
    mapping(address token => mapping(address account => uint256)) public owed;

    /// @notice `account` fetched all it was owed.
    event Withdrawn(address indexed token, address indexed account, uint256 amount);

    /// @notice The native coins sent are not what the call says.
    error WrongValue(uint256 sent, uint256 expected);
    /// @notice The token took a fee on the way, or moved another amount than it was told.
    error InexactTransfer(address token, uint256 received, uint256 expected);

    /// @dev Fails on a chain without EIP-1153, where nothing could be fetched that came in.
    constructor() {
        assembly ("memory-safe") {
            tstore(0, 0)
        }
    }

    /// @notice Send an account what it is owed. Anyone may call it; the money goes nowhere else.
    function withdraw(address token, address account) external nonReentrant returns (uint256) {
        return _withdraw(token, account);
    }

    function _withdraw(address token, address account) internal returns (uint256 amount) {
        amount = owed[token][account];
        owed[token][account] = 0;
        emit Withdrawn(token, account, amount);
        if (token == NATIVE) Address.sendValue(payable(account), amount);
        else IERC20(token).safeTransfer(account, amount);
    }

    /// @dev Take exactly `amount` from the sender. Callers are `nonReentrant`: a token runs here.
    function _take(address token, uint256 amount) internal {
        uint256 expected = token == NATIVE ? amount : 0;
        if (msg.value != expected) revert WrongValue(msg.value, expected);
        if (token == NATIVE) return;
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = IERC20(token).balanceOf(address(this)) - before;
        if (received != amount) revert InexactTransfer(token, received, amount);
    }

    function _credit(address token, address account, uint256 amount) internal {
        if (amount != 0) owed[token][account] += amount;
    }
}
