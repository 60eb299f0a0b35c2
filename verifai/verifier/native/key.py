"""A verifying key of this proof system, read: what all verifications under it share."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from verifai.errors import MalformedError, UsageError
from verifai.proof import VerifyingKey
from verifai.proof.key import key_digest
from verifai.verifier.native.circuit import Circuits
from verifai.verifier.native.curve import G1_BYTES, G1Point, decode_g1, decode_g2


class Key:
    """The parts of a key, decoded when they are first needed.

    Args:
        header: SHA-256 of the key's header, 32 bytes: proofs are bound to what a key says of
            itself, which means nothing here.
        table: the operation table, canonical JSON.
        commitments: of the rows of the weight region, 64 bytes each.
        tau_g2: tau H2 of the reference string, 128 bytes.

    Raises:
        UsageError: a header that has not 32 bytes.
        MalformedError, LimitError: the table breaks a rule of its format.
    """

    def __init__(self, header: bytes, table: bytes, commitments: bytes, tau_g2: bytes) -> None:
        if len(header) != 32:
            raise UsageError(f"A header is bound by 32 bytes, not {len(header)}.")
        self.digest = key_digest(header, table, commitments, tau_g2)
        self.circuits = Circuits(table)
        self.tau_g2 = tau_g2
        self._commitments = commitments

    @cached_property
    def tau(self) -> Any:
        """tau H2, decoded.

        Raises:
            MalformedError: no point of G2.
        """
        try:
            return decode_g2(self.tau_g2)
        except ValueError as error:
            raise MalformedError(f"The reference string's tau H2: {error}.") from None

    def weights(self, count: int) -> list[G1Point]:
        """The commitments of the weight region's ``count`` rows, the same for every batch.

        Raises:
            MalformedError: another number of points, or no points of G1.
        """
        if len(self._commitments) != G1_BYTES * count:
            raise MalformedError(
                f"{len(self._commitments)} bytes of commitments, expected {count} points."
            )
        return self._weights

    @cached_property
    def _weights(self) -> list[G1Point]:
        data, points = self._commitments, []
        for at in range(0, len(data), G1_BYTES):
            try:
                points.append(decode_g1(data[at : at + G1_BYTES]))
            except ValueError as error:
                index = at // G1_BYTES
                raise MalformedError(f"Commitment {index} of the weights: {error}.") from None
        return points


def key_of(key: VerifyingKey) -> Key:
    """A verifying key, read once for as long as the object lives.

    Raises:
        MalformedError, LimitError: its material is no operation table of this version.
    """
    return key.kept(_read)


def _read(key: VerifyingKey) -> Key:
    return Key(key.header_digest, *map(bytes, key.material))
