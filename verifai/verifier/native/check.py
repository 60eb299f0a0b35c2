"""Check 7 for native proofs: a statement's words, its batch, its context.

What a key says of itself must be what its material is: visibility, shapes and reference string are
compared here, since a key may come from a publisher.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from verifai.errors import VerificationError
from verifai.proof import Registration, Statement, VerifyingKey
from verifai.proof.codec import canonical_json, digest
from verifai.verifier.native.keccak import keccak256
from verifai.verifier.native.linked import linked_rows, tensor_commitments
from verifai.verifier.native.parse import parse_table
from verifai.verifier.native.registration import registration_table
from verifai.verifier.native.table import Committed, Table
from verifai.verifier.native.verify import VERSION, verify
from verifai.verifier.native.verify import proof_bytes as table_proof_bytes

#: Values in a public word, 16 bits each.
WORD: Final = 8
#: SHA-256 (:func:`srs_id`) of the tau H2 whose tau is public: see ``circuits/crates/srs``.
DEVELOPMENT_SRS: Final = "ddcaf264600e7454d45a5aad6e968c8174ee92756e3960bb9e83d503b164574a"

#: :func:`srs_id` of public ceremonies. Aztec Ignition, 2019/20: the tau H2 that
#: ``verifai.circuit.srs`` pins, in the EVM's form.
CEREMONIES: Final = {
    "f86b684c9e727e5de00ad81c25644c149b33732bfdf07afcb88b576272a8523f": "aztec-ignition",
}


def check(key: VerifyingKey, statement: Statement, argument: bytes) -> None:
    """Raise unless ``argument`` proves ``statement`` under ``key``.

    Raises:
        VerificationError: check 3, 4 or 6 for a key that contradicts itself; else 7.
        MalformedError, LimitError: the key's material is no operation table of this version.
    """
    check_key(key)
    table, commitments, tau_g2 = map(bytes, key.material)
    words = words_of(key, statement)
    batch = statement.batch(key) or 1
    verify(
        key.header_digest,
        table,
        commitments,
        tau_g2,
        batch,
        context_bytes(statement.context),
        words,
        argument,
    )
    claims = [c.commitment for c in statement.inputs + statement.outputs if c.commitment]
    if claims != tensor_commitments(linked_rows(table, srs_id(tau_g2), batch), argument):
        raise VerificationError(
            "a committed tensor is not the one that the proof is about",
            check=7,
            check_name="proof",
        )


def check_registration(key: VerifyingKey, registration: Registration) -> None:
    """Check 9. Raise unless ``registration`` shows that the key's weights are in their ranges.

    Raises:
        VerificationError: another key's registration, or one that does not hold.
    """
    if registration.verifying_key != key.digest:
        raise VerificationError(
            "the registration is about another key", check=9, check_name="registration"
        )
    check_key(key)
    table, commitments, tau_g2 = map(bytes, key.material)
    try:
        verify(
            key.header_digest,
            registration_table(table),
            commitments,
            tau_g2,
            1,
            bytes(32),
            (),
            registration.argument,
        )
    except VerificationError as error:
        raise VerificationError(error.message, check=9, check_name="registration") from None


def proof_bytes(key: VerifyingKey, statement: Statement) -> int:
    """The exact length of a proof of ``statement``: it depends on the batch."""
    return table_proof_bytes(bytes(key.material[0]), statement.batch(key) or 1)


def context_bytes(context: Mapping[str, str | int] | None) -> bytes:
    """The 32 bytes that bind a proof: Keccak-256 of the canonical JSON, zeros for no context."""
    return bytes(32) if context is None else keccak256(canonical_json(dict(context)))


def words_of(key: VerifyingKey, statement: Statement) -> list[int]:
    """The public words of a statement, in the order of the key's public nodes.

    Raises:
        VerificationError: check 3, the key's tensors are not those of its table; check 7, a value
            that the table's range cannot hold.
    """
    table = parse_table(bytes(key.material[0]))
    check_tensors(key, table)
    claims = [c for c in statement.inputs + statement.outputs if c.integers is not None]
    batch = statement.batch(key) or 1
    words: list[int] = []
    for claim, node in zip(claims, table.public, strict=True):
        offset, bits, shape, is_batched = public_node(table, node)
        dims = (batch, *shape) if is_batched else shape
        assert claim.integers is not None
        if len(claim.integers) != math.prod(dims):  # a node that no batch reaches
            raise _contradiction(3, f"{claim.name!r} has no batch axis in its operation table")
        raw = [value - offset for value in claim.integers]
        if not all(0 <= value < 1 << bits for value in raw):
            raise VerificationError(
                f"a value of {claim.name!r} is outside what the circuit can hold",
                check=7,
                check_name="proof",
            )
        words += pack_words(raw, dims[-1] if dims else 1)
    return words


def pack_words(raw: Sequence[int], row: int) -> list[int]:
    """Values below 2^16 as words of eight, each innermost row of ``row`` values by itself."""
    words: list[int] = []
    for start in range(0, len(raw), row):
        line = raw[start : start + row]
        words += [
            sum(value << (16 * place) for place, value in enumerate(line[at : at + WORD]))
            for at in range(0, row, WORD)
        ]
    return words


@dataclass(frozen=True)
class PublicTensor:
    """How a table holds a public tensor: value = raw + offset, 0 <= raw < 2**bits."""

    offset: int
    bits: int


def public_tensors(key: VerifyingKey) -> list[PublicTensor]:
    """The public tensors of a key's table, inputs first.

    Raises:
        MalformedError, LimitError: the key's material is no operation table of this version.
    """
    table = parse_table(bytes(key.material[0]))
    return [PublicTensor(*public_node(table, node)[:2]) for node in table.public]


def srs_id(tau_g2: bytes) -> str:
    """The name of a reference string among native keys: a digest of tau H2."""
    return digest("srs-g2/1", tau_g2)


def srs_kind(tau_g2: bytes) -> str:
    """``ceremony`` if tau H2 is pinned, ``development`` if tau is public, else ``custom``."""
    if srs_id(tau_g2) == DEVELOPMENT_SRS:
        return "development"
    return "ceremony" if srs_id(tau_g2) in CEREMONIES else "custom"


def public_node(table: Table, index: int) -> tuple[int, int, tuple[int, ...], bool]:
    """Offset, bits, shape and batchedness of a public node."""
    node = table.nodes[index]
    assert isinstance(node.operation, Committed)  # a rule of the table
    return node.operation.offset, sum(node.operation.limbs), node.shape, node.batched


def check_key(key: VerifyingKey) -> None:
    """Raise if what a key says of itself is not what its material is.

    Its digest binds proofs to the header, but whoever made the key wrote the header.

    Raises:
        VerificationError: check 3, its tensors are not those of its table, by role, order, shape
            and visibility; check 4, its guarantees; check 6, its proofs have another length.
        MalformedError, LimitError: the key's material is no operation table of this version.
    """
    data, _, tau_g2 = map(bytes, key.material)
    table, says = parse_table(data), key.guarantees
    check_tensors(key, table)
    if (says.backend, says.version) != ("native", VERSION):
        raise _contradiction(4, f"it is of {says.backend} {says.version}, not of native {VERSION}")
    if says.zero_knowledge != table.hiding:
        raise _contradiction(4, "its operation table and its promise of zero knowledge differ")
    if says.srs_id != srs_id(tau_g2) or says.srs != srs_kind(tau_g2):
        raise _contradiction(4, "it names another reference string than it holds")
    if key.proof_bytes != (expected := table_proof_bytes(data, 1)):
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


def _contradiction(check: int, message: str) -> VerificationError:
    return VerificationError(
        f"the key contradicts itself: {message}",
        check=check,
        check_name={3: "circuit", 4: "guarantees", 6: "proof length"}[check],
        hint="The key was not made by an honest setup: do not use it.",
    )
