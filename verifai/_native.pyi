"""The Rust module: the proving core, and curve and hash functions as the EVM has them.

Points are 64 bytes (G1) or 128 (G2) as the EVM encodes them, field elements 32 bytes big-endian,
tensors of integers little-endian: int32 for weights, int64 for all others. Everything raises
ValueError with the reason.
"""

from os import PathLike
from typing import Any, final

@final
class Srs:
    """A reference string: powers of tau."""

    @staticmethod
    def development(powers: int) -> Srs:
        """The string whose tau is public: its proofs convince nobody."""
    @staticmethod
    def load(path: str | PathLike[str], powers: int) -> Srs:
        """Read and check a file (.ptau or halo2 raw), and keep so many powers of it."""
    @staticmethod
    def read(content: bytes, powers: int) -> Srs:
        """As :meth:`load`, from a file's content."""
    @staticmethod
    def from_points(data: bytes) -> Srs:
        """Read and check what :meth:`to_points` wrote."""
    def to_points(self, powers: int) -> bytes:
        """The first powers and tau H2: what a proving key carries."""
    def commit(self, row: bytes, blinding: bytes) -> bytes:
        """The commitment, a G1 point, of a row of integers under a field element."""
    @property
    def powers(self) -> int: ...
    @property
    def id(self) -> bytes:
        """What names the string, 32 bytes."""
    @property
    def tau_g2(self) -> bytes: ...

@final
class Prover:
    """The prover of one circuit: table, committed weights, window tables of the reference string.

    Args:
        header: digest of what the verifying key says of itself, 32 bytes.
        table: the operation table.
        weights: one tensor for each weight node.
        srs: the reference string.
        blindings: a field element for each row of weights; drawn where they are left out.
        commitments: of a key that is made again, a G1 point for each row of weights; they are
            compared with the weights instead of being made anew.
    """

    def __new__(
        cls,
        header: bytes,
        table: bytes,
        weights: list[bytes],
        srs: Srs,
        blindings: bytes | None = None,
        commitments: bytes | None = None,
    ) -> Prover: ...
    @property
    def blindings(self) -> bytes:
        """The blindings of the rows of weights: a secret of the key's owner."""
    @property
    def commitments(self) -> bytes:
        """A G1 point for each row of weights."""
    def prove(
        self, batch: int, values: list[bytes], context: bytes, *, linked: list[bytes] = ...
    ) -> tuple[bytes, bytes]:
        """Prove one batch.

        Args:
            batch: how many inferences.
            values: one tensor for each committed node, the batch axis in front.
            context: 32 bytes that the proof is bound to.
            linked: for each linked tensor the blindings of its rows; drawn where left out.

        Returns:
            The public words, 32 bytes each, and the proof.
        """
    def profile(self, batch: int, values: list[bytes], context: bytes) -> list[tuple[str, float]]:
        """As :meth:`prove`: the steps, with the seconds that each took."""

def native_verify(
    header: bytes,
    table: bytes,
    commitments: bytes,
    tau_g2: bytes,
    batch: int,
    context: bytes,
    words: bytes,
    proof: bytes,
) -> None:
    """Return if the proof holds for these public words under this key."""

def native_key_digest(header: bytes, table: bytes, commitments: bytes, tau_g2: bytes) -> bytes:
    """The digest of a key, 32 bytes."""

def native_proof_bytes(table: bytes, batch: int) -> int:
    """How long a proof of so many inferences is."""

def bn254_add(data: bytes, /) -> bytes:
    """The sum of two G1 points, as the precompile ecAdd (EIP-196)."""

def bn254_mul(data: bytes, /) -> bytes:
    """A multiple of a G1 point, as the precompile ecMul (EIP-196)."""

def bn254_pairing(data: bytes, /) -> bytes:
    """The pairing check, as the precompile ecPairing (EIP-197)."""

def keccak256(data: bytes, /) -> bytes:
    """Keccak-256, as the EVM has it."""

def build_info() -> dict[str, Any]:
    """Version, target, threads and processor features."""
