"""On what terms transactions are sent: how deep, how long, how dear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from verifai.errors import UsageError

#: A transaction that waits at a raised fee pays at most this multiple of its first offer, where
#: ``Terms.max_fee_wei`` does not say otherwise.
MAX_FEE_FACTOR: Final = 4


@dataclass(frozen=True)
class Terms:
    """How a :class:`verifai.chain.Chain` sends.

    Attributes:
        confirmations: blocks that must hold a transaction, its own counted, before it is taken for
            done; until then a reorganisation is repaired by sending the same bytes again.
        patience_seconds: how long to wait without any progress before giving up; the transaction
            stays on record and the next call takes it up again.
        bump_seconds: how long a transaction that is next in line may wait for a block before its
            fee is raised; the default is three slots of Ethereum.
        max_fee_wei: most wei per gas that is ever offered; None for ``MAX_FEE_FACTOR`` times the
            first offer.

    Raises:
        UsageError: a number out of range.
    """

    confirmations: int = 1
    patience_seconds: float = 120.0
    bump_seconds: float = 36.0
    max_fee_wei: int | None = None

    def __post_init__(self) -> None:
        if type(self.confirmations) is not int or self.confirmations < 1:
            raise UsageError("confirmations is a whole number from 1.")
        if not (self.patience_seconds > 0 and self.bump_seconds > 0):
            raise UsageError("patience_seconds and bump_seconds are above 0.")
        if self.max_fee_wei is not None and self.max_fee_wei < 0:
            raise UsageError("max_fee_wei is wei per gas, from 0.")
