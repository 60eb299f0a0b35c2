"""What a transaction would cost, before it is signed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from verifai.evm.transactions.fees import Fees
from verifai.proof.plain import to_plain


@dataclass(frozen=True)
class Estimate:
    """The cost of one transaction, as the node sees it now. Nothing was signed or sent.

    Attributes:
        what: the transaction in words.
        gas: units of gas, estimated.
        gas_limit: units that the transaction would allow.
        fees: the offer, in wei per gas.
        value_wei: sent along.
        balance_wei: of the signer.
    """

    what: str
    gas: int
    gas_limit: int
    fees: Fees
    value_wei: int
    balance_wei: int

    @property
    def cost_wei(self) -> int:
        """The most it can cost, value included; nodes demand that the balance covers it."""
        return self.gas_limit * self.fees.most + self.value_wei

    @property
    def affordable(self) -> bool:
        """Whether the signer can pay :attr:`cost_wei`."""
        return self.balance_wei >= self.cost_wei

    def to_json(self) -> dict[str, Any]:
        return {
            "what": self.what,
            "gas": self.gas,
            "gas_limit": self.gas_limit,
            "max_fee_wei": self.fees.most,
            "cost_wei": str(self.cost_wei),
            "balance_wei": str(self.balance_wei),
        }


@dataclass(frozen=True)
class PublishEstimate:
    """What publishing a proof would cost.

    Attributes:
        chain_id: CAIP-2.
        recorded: the proof is on record already, so that publishing sends nothing.
        steps: one estimate per transaction, in order.
        unknown: transactions that cannot be estimated before the contracts stand, in words.
        evm_target_saves: gas that publishing would take less, about, had the model been compiled
            with ``target="evm"``.
    """

    chain_id: str
    recorded: bool
    steps: tuple[Estimate, ...] = field(repr=False)
    unknown: tuple[str, ...] = ()
    evm_target_saves: int = 0

    @property
    def gas(self) -> int:
        """Units of gas of all estimated steps."""
        return sum(step.gas for step in self.steps)

    @property
    def cost_wei(self) -> int:
        """The most that the estimated steps can cost together."""
        return sum(step.cost_wei for step in self.steps)

    @property
    def affordable(self) -> bool:
        """Whether the signer can pay for all of the estimated steps."""
        return all(step.balance_wei >= self.cost_wei for step in self.steps)

    def to_json(self) -> dict[str, Any]:
        total = {"gas": self.gas, "cost_wei": str(self.cost_wei), "affordable": self.affordable}
        return {**to_plain(self), **total}


def ether(wei: int) -> str:
    """``wei`` in the chain's coin, without rounding to zero: ``0.00105``."""
    whole, rest = divmod(wei, 10**18)
    digits = f"{rest:018d}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)
