"""What a transaction may hold, by the protocol and by the nodes that pass it on."""

from __future__ import annotations

from typing import Final

from verifai.errors import UnsupportedError

#: The most gas one transaction may use since Osaka (EIP-7825).
TRANSACTION_GAS_CAP: Final = 1 << 24
#: The most bytes of a signed transaction that geth, reth, nethermind and erigon keep and pass on by
#: default.
TRANSACTION_BYTES: Final = 1 << 17
#: What a signed transaction holds beside its data, at most.
ENVELOPE_BYTES: Final = 512
#: The most bytes of creation code (EIP-3860). MAX_CODE_BYTES of
#: :mod:`verifai.contracts.solidity` bounds what it leaves behind (EIP-170).
CREATION_BYTES: Final = 2 * 24_576


def require_size(creates: bool, data: bytes, what: str) -> None:
    """Refuse a transaction that no node would take for its size, before one is asked.

    Args:
        creates: ``data`` is creation code, else calldata.
        what: how messages name it.

    Raises:
        UnsupportedError: more than ``CREATION_BYTES``, or ``TRANSACTION_BYTES`` in all.
    """
    if creates and len(data) > CREATION_BYTES:
        raise UnsupportedError(
            f"{what} takes {len(data):,} bytes of creation code; chains accept "
            f"{CREATION_BYTES:,} (EIP-3860).",
            hint="Use a smaller circuit. Nothing was sent.",
        )
    if len(data) + ENVELOPE_BYTES > TRANSACTION_BYTES:
        raise UnsupportedError(
            f"{what} takes {len(data):,} bytes of calldata; nodes pass on transactions of "
            f"{TRANSACTION_BYTES:,} bytes.",
            hint="Make fewer values public: 16 bytes hold each or a few. Nothing was sent.",
        )
