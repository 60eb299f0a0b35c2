"""What a unit of gas is offered: EIP-1559 where the chain has a base fee, a gas price where not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from verifai.errors import SetupError
from verifai.evm.transactions.terms import MAX_FEE_FACTOR, Terms

if TYPE_CHECKING:
    from web3 import Web3

#: The tip where a node does not answer ``eth_maxPriorityFeePerGas``, which is optional.
DEFAULT_TIP_WEI: Final = 10**9


@dataclass(frozen=True)
class Fees:
    """An offer, in wei per gas.

    Attributes:
        most: ``maxFeePerGas``, or ``gasPrice`` on a chain without a base fee.
        tip: ``maxPriorityFeePerGas``; None on a chain without a base fee.
    """

    most: int
    tip: int | None

    def fields(self) -> dict[str, int]:
        """As a transaction spells it."""
        if self.tip is None:
            return {"gasPrice": self.most}
        return {"maxFeePerGas": self.most, "maxPriorityFeePerGas": self.tip}

    @classmethod
    def of(cls, transaction: Mapping[str, Any]) -> Fees:
        """Inverse of :meth:`fields`."""
        if "gasPrice" in transaction:
            return cls(int(transaction["gasPrice"]), None)
        return cls(int(transaction["maxFeePerGas"]), int(transaction["maxPriorityFeePerGas"]))

    def raised(self) -> Fees:
        """The least offer that replaces this one: nodes ask for a tenth more of both, we give an
        eighth."""
        return Fees(_raised(self.most), None if self.tip is None else _raised(self.tip))

    def at_least(self, other: Fees) -> Fees:
        """The higher of both, part by part."""
        tip = None if self.tip is None else max(self.tip, other.tip or 0)
        return Fees(max(self.most, other.most), tip)


def offer(web3: Web3, terms: Terms) -> Fees:
    """A fee that survives six full blocks, within the terms.

    Raises:
        SetupError: the chain asks for more than ``terms.max_fee_wei`` now.
    """
    base = web3.eth.get_block("latest").get("baseFeePerGas")
    if base is None:
        fees, least = Fees(price := int(web3.eth.gas_price), None), price
    else:
        try:
            tip = int(web3.eth.max_priority_fee)
        except Exception:
            tip = DEFAULT_TIP_WEI
        fees, least = Fees(2 * int(base) + tip, tip), int(base) + tip
    cap = terms.max_fee_wei
    if cap is None or fees.most <= cap:
        return fees
    if least > cap:
        raise SetupError(
            f"The chain asks {least:,} wei per gas now; the limit is {cap:,}.",
            hint="Wait, or raise Terms.max_fee_wei.",
        )
    return Fees(cap, fees.tip)


def limit(first: Fees, terms: Terms) -> int:
    """The most wei per gas that a transaction first offered at ``first`` is raised to."""
    return MAX_FEE_FACTOR * first.most if terms.max_fee_wei is None else terms.max_fee_wei


def _raised(wei: int) -> int:
    return wei + wei // 8 + 1
