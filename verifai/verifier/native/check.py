"""Check 7 for native proofs: a statement's words, its batch, its context.

What a key says of itself must be what its material is: visibility, shapes and reference string are
compared here, since a key may come from a publisher.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from verifai.errors import VerificationError
from verifai.proof import Registration, Statement, VerifyingKey
from verifai.proof.codec import canonical_json
from verifai.proof.reference_string import DEVELOPMENT_SRS, ceremony_of, srs_id
from verifai.verifier.known_tau import check_tau
from verifai.verifier.native.curve import decode_g2
from verifai.verifier.native.keccak import keccak256
from verifai.verifier.native.key import Key, key_of
from verifai.verifier.native.linked import linked_rows, tensor_commitments
from verifai.verifier.native.registration import registration_table
from verifai.verifier.native.table import Committed, Table
from verifai.verifier.native.verify import VERSION, verify_under
from verifai.verifier.native.words import pack_words


@dataclass(frozen=True)
class PublicTensor:
    """How a table holds a public tensor: value = raw + offset, 0 <= raw < 2**bits."""

    offset: int
    bits: int
    shape: tuple[int, ...]
    batched: bool

    def dims(self, batch: int) -> tuple[int, ...]:
        """The shape of ``batch`` inferences."""
        return (batch, *self.shape) if self.batched else self.shape


def check(key: VerifyingKey, statement: Statement, argument: bytes) -> None:
    """Raise unless ``argument`` proves ``statement`` under ``key``.

    Raises:
        VerificationError: check 3, 4 or 6 for a key that contradicts itself; else 7.
        MalformedError, LimitError: the key's material is no operation table of this version.
    """
    key.kept(check_key)
    own, batch = key_of(key), statement.batch(key) or 1
    words = words_of(key, statement)
    verify_under(own, batch, context_bytes(statement.context), words, argument)
    claims = [c.commitment for c in statement.inputs + statement.outputs if c.commitment]
    rows = linked_rows(own.circuits.of(batch), srs_id(own.tau_g2))
    if claims != tensor_commitments(rows, argument):
        raise VerificationError(
            "a committed tensor is not the one that the proof is about", check=7
        )


def check_registration(key: VerifyingKey, registration: Registration) -> None:
    """Check 9. Raise unless ``registration`` shows that the key's weights are in their ranges.

    Raises:
        VerificationError: another key's registration, or one that does not hold.
    """
    if registration.verifying_key != key.digest:
        raise VerificationError("the registration is about another key", check=9)
    key.kept(check_key)
    try:
        verify_under(key.kept(_ranged), 1, bytes(32), (), registration.argument)
    except VerificationError as error:
        raise VerificationError(error.message, check=9) from None


def _ranged(key: VerifyingKey) -> Key:
    """The key with the table of its registration proof."""
    table, commitments, tau_g2 = map(bytes, key.material)
    return Key(key.header_digest, registration_table(table), commitments, tau_g2)


def proof_bytes(key: VerifyingKey, statement: Statement) -> int:
    """The exact length of a proof of ``statement``: it depends on the batch."""
    return key_of(key).circuits.of(statement.batch(key) or 1).proof_bytes


def context_bytes(context: Mapping[str, str | int] | None) -> bytes:
    """The 32 bytes that bind a proof: Keccak-256 of the canonical JSON, zeros for no context."""
    return bytes(32) if context is None else keccak256(canonical_json(dict(context)))


def words_of(key: VerifyingKey, statement: Statement) -> list[int]:
    """The public words of a statement, in the order of the key's public nodes.

    Raises:
        VerificationError: check 3, the key's tensors are not those of its table; check 7, a value
            that the table's range cannot hold.
    """
    table = key_of(key).circuits.table
    check_tensors(key, table)
    claims = [c for c in statement.inputs + statement.outputs if c.integers is not None]
    batch = statement.batch(key) or 1
    words: list[int] = []
    for claim, tensor in zip(claims, public_tensors(key), strict=True):
        dims = tensor.dims(batch)
        assert claim.integers is not None
        if len(claim.integers) != math.prod(dims):  # a node that no batch reaches
            raise _contradiction(3, f"{claim.name!r} has no batch axis in its operation table")
        raw = [value - tensor.offset for value in claim.integers]
        if not all(0 <= value < 1 << tensor.bits for value in raw):
            raise VerificationError(
                f"a value of {claim.name!r} is outside what the circuit can hold",
                check=7,
            )
        words += pack_words(raw, dims[-1] if dims else 1, tensor.bits)
    return words


def public_tensors(key: VerifyingKey) -> list[PublicTensor]:
    """The public tensors of a key's table, inputs first.

    Raises:
        MalformedError, LimitError: the key's material is no operation table of this version.
    """
    table, found = key_of(key).circuits.table, []
    for node in (table.nodes[index] for index in table.public):
        assert isinstance(node.operation, Committed)  # a rule of the table
        own = node.operation
        found.append(PublicTensor(own.offset, own.bits, node.shape, node.batched))
    return found


def srs_kind(tau_g2: bytes) -> str:
    """``ceremony`` if tau H2 is pinned, ``development`` if tau is public, else ``custom``."""
    if srs_id(tau_g2) == DEVELOPMENT_SRS:
        return "development"
    return "ceremony" if ceremony_of(srs_id(tau_g2)) else "custom"


def check_key(key: VerifyingKey) -> None:
    """Raise if what a key says of itself is not what its material is.

    Its digest binds proofs to the header, but whoever made the key wrote the header.

    Raises:
        VerificationError: check 3, its tensors are not those of its table, by role, order, shape
            and visibility; check 4, its guarantees; check 6, its proofs have another length.
        MalformedError, LimitError: the key's material is no operation table of this version.
    """
    own, says = key_of(key), key.guarantees
    table, tau_g2 = own.circuits.table, own.tau_g2
    check_tensors(key, table)
    if (says.backend, says.version) != ("native", VERSION):
        raise _contradiction(4, f"it is of {says.backend} {says.version}, not of native {VERSION}")
    if says.zero_knowledge != table.hiding:
        raise _contradiction(4, "its operation table and its promise of zero knowledge differ")
    if says.srs_id != srs_id(tau_g2) or says.srs != srs_kind(tau_g2):
        raise _contradiction(4, "it names another reference string than it holds")
    if says.srs == "custom":
        _check_tau(tau_g2)
    if key.proof_bytes != (expected := own.circuits.of(1).proof_bytes):
        raise _contradiction(6, f"it names proofs of {key.proof_bytes} bytes, not of {expected}")


def check_tensors(key: VerifyingKey, table: Table) -> None:
    """The part of :func:`check_key` about tensors. Raises as it does."""
    for role, specs, tensors in (
        ("inputs", key.inputs, table.inputs),
        ("outputs", key.outputs, table.outputs),
    ):
        said = [(spec.shape, spec.visibility) for spec in specs]
        if said != [(tensor.shape, tensor.visibility) for tensor in tensors]:
            raise _contradiction(
                3,
                f"its {role} are not those of its operation table in number, order, shape or "
                "visibility",
            )


def _check_tau(tau_g2: bytes) -> None:
    """Refuse a string that says to be of unknown origin, and whose tau everybody knows."""
    try:
        x, y, _ = decode_g2(tau_g2)
    except ValueError as error:
        raise _contradiction(4, f"tau H2 of its reference string: {error}") from None
    check_tau(*map(int, (*x.coeffs, *y.coeffs)))


def _contradiction(check: int, message: str) -> VerificationError:
    return VerificationError(
        f"the key contradicts itself: {message}",
        check=check,
        hint="The key was not made by an honest setup: do not use it.",
    )
