"""Honest proofs of small tables verify; nothing else does."""

from __future__ import annotations

import functools
import hashlib
import random
from collections.abc import Callable

import numpy as np
import pytest

from tests.verifier.circuits import ALL, HEADER, Circuit, integers, sample
from tests.verifier.reference_prover import Prover, tau_g2
from verifai.errors import LimitError, MalformedError, UsageError, VerificationError
from verifai.proof.key import key_digest
from verifai.verifier.native import TranscriptStep, proof_bytes, verify
from verifai.verifier.native.field import P
from verifai.verifier.native.keccak import keccak256

CONTEXT = keccak256(b"a job")
HEADER_DIGEST = hashlib.sha256(HEADER).digest()


@functools.cache
def proved(name: str, batch: int) -> Prover:
    prover = Prover(ALL[name](batch), CONTEXT)
    prover.prove()
    assert prover.holds
    return prover


@functools.cache
def tau() -> bytes:
    return tau_g2()


def check(
    p: Prover,
    proof: bytes | None = None,
    record: list[TranscriptStep] | None = None,
    **change: object,
) -> None:
    arguments = {
        "header": HEADER_DIGEST,
        "table": p.c.table_bytes(),
        "commitments": p.commitments,
        "tau_g2": tau(),
        "batch": p.c.batch,
        "context": p.context,
        "words": p.words,
        "proof": p.w.proof if proof is None else proof,
        **change,
    }
    verify(**arguments, record=record)  # type: ignore[arg-type]


def refused(p: Prover, proof: bytes | None = None, **change: object) -> VerificationError:
    with pytest.raises(VerificationError) as caught:
        check(p, proof, **change)
    assert (caught.value.check, caught.value.check_name) == (7, "proof")
    return caught.value


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", ALL)
def test_honest_proofs(name: str, batch: int) -> None:
    p = proved(name, batch)
    assert len(p.w.proof) == proof_bytes(p.c.table_bytes(), batch)
    check(p)


def far_view(lie: bool) -> Circuit:
    """out = x on the diagonal of (9, 9), else 0; a lie has 0 from entry (4, 4) on.

    Indices are 2^61 (i - j): in 64 bits 4 * 2^61 is no number and 8 * 2^61 is 0.
    """
    c = Circuit(1, 5)
    x = c.committed("input", integers([[5]]), [3])
    spread = c.view(x, (9, 9), [{"offset": 0, "terms": [[0, 1 << 61], [1, -1 << 61]]}])
    out = c.committed("output", c.values[spread], [3])
    c.zero(c.linear((1, out), (-1, spread)))
    c.inputs = [x]
    if lie:
        c.values[out][0, range(4, 9), range(4, 9)] = 0
    return c


def test_indices_are_integers() -> None:
    """Verifiers and provers decide alike on a view whose partial sums leave 64 bits."""
    native = pytest.importorskip("verifai._native", reason="the proving core is not built")
    p = Prover(far_view(lie=False), CONTEXT)
    p.prove()
    check(p)
    words = b"".join(word.to_bytes(32, "big") for word in p.words)
    key: tuple[bytes, ...] = (HEADER_DIGEST, p.c.table_bytes(), p.commitments, tau())
    native.native_verify(*key, 1, CONTEXT, words, p.w.proof)

    for lie in (False, True):
        c = far_view(lie)
        srs = native.Srs.development(1 << c.log_columns)
        prover = native.Prover(HEADER_DIGEST, c.table_bytes(), [], srs)
        values = [c.values[node].astype("<i8").tobytes() for node in (0, 2)]
        words, proof = prover.prove_spoiled(1, values, CONTEXT, stubborn=lie)
        key = (HEADER_DIGEST, c.table_bytes(), prover.commitments, srs.tau_g2)
        if lie:
            with pytest.raises(ValueError, match="last"):
                native.native_verify(*key, 1, CONTEXT, words, proof)
            with pytest.raises(VerificationError, match="last"):
                verify(*key, 1, CONTEXT, [int.from_bytes(words, "big")], proof)
        else:
            native.native_verify(*key, 1, CONTEXT, words, proof)
            verify(*key, 1, CONTEXT, [int.from_bytes(words, "big")], proof)


# ---- encodings and single changes ---------------------------------------------------------------


@pytest.mark.parametrize(("name", "batch"), [("gate", 1), ("attention", 1), ("lookups", 3)])
def test_every_message_decides(name: str, batch: int) -> None:
    """One more in one element of each message, and in some others, is refused."""
    p, rng, seen = proved(name, batch), random.Random(1), set()
    for label, start, size in p.w.sent:
        if size != 32 or (label in seen and rng.random() < 0.8):
            continue
        seen.add(label)
        value = int.from_bytes(p.w.proof[start : start + 32], "big")
        other = ((value + 1) % P).to_bytes(32, "big")
        error = refused(p, p.w.proof[:start] + other + p.w.proof[start + 32 :])
        step = error.details["step"]
        assert step.startswith("opening") if label.startswith("opening") else step == "last"
    assert {"zerocheck", "columns", "last", "value", "opening evaluations"} <= seen
    assert ("ends" in seen) == (name == "attention")


def test_every_point_decides() -> None:
    p, seen = proved("dense", 3), set()
    other = (1).to_bytes(32, "big") + (2).to_bytes(32, "big")
    for label, start, size in p.w.sent:
        if size == 64 and label not in seen:
            seen.add(label)
            refused(p, p.w.proof[:start] + other + p.w.proof[start + 64 :])
            refused(p, p.w.proof[:start] + bytes(64) + p.w.proof[start + 64 :])
    assert seen == {"stage 1", "stage 2", "opening folds", "opening W", "opening W'"}


def test_random_bytes() -> None:
    p, rng = proved("convolution", 1), random.Random(2)
    for _ in range(120):
        at = rng.randrange(len(p.w.proof))
        changed = bytearray(p.w.proof)
        changed[at] ^= 1 << rng.randrange(8)
        refused(p, bytes(changed))


def test_elements_that_are_not_canonical() -> None:
    """Refused with the message and the element, never reduced."""
    p, seen = proved("attention", 1), set()
    index: dict[str, int] = {}
    for label, start, size in p.w.sent:
        number = index[label] = index.get(label, -1) + 1
        if label in seen:
            continue
        rest = p.w.proof[start + size :]
        if size == 32:
            value = int.from_bytes(p.w.proof[start : start + 32], "big") + P
            error = refused(p, p.w.proof[:start] + value.to_bytes(32, "big") + rest)
            assert "not below the order" in error.message
        else:
            error = refused(p, p.w.proof[:start] + bytes([0xFF]) + p.w.proof[start + 1 :])
            assert "modulus" in error.message
            error = refused(p, p.w.proof[:start] + bytes(63) + b"\1" + rest)
            assert "not on the curve" in error.message
        assert error.details["step"] == label
        assert f"element {number}:" in error.message
        seen.add(label)


def test_lengths() -> None:
    p = proved("gate", 1)
    for proof in (b"", p.w.proof[:-1], p.w.proof + b"\0", p.w.proof + p.w.proof):
        assert refused(p, proof).details["step"] == "length"


# ---- the statement ------------------------------------------------------------------------------


def test_words_decide() -> None:
    p = proved("lookups", 3)
    for i in range(len(p.words)):
        other = [*p.words]
        other[i] += 1
        assert refused(p, words=other).details["step"] == "last"
    assert len(p.words) == 13  # 3 * 4 rows of three values, and a single one


@pytest.mark.parametrize(
    "change",
    [
        lambda words: words[:-1],
        lambda words: [*words, 0],
        lambda words: [words[0] + P, *words[1:]],
        lambda words: [-1, *words[1:]],
        lambda words: [1 << 128, *words[1:]],
        lambda _: [],
    ],
)
def test_words_that_are_none(change: Callable[[list[int]], list[int]]) -> None:
    p = proved("gate", 3)
    assert refused(p, words=change(p.words)).details["step"] == "public words"


def test_the_statement_is_bound() -> None:
    p = proved("dense", 3)
    refused(p, context=keccak256(b"another job"))
    refused(p, context=bytes(32))
    refused(p, batch=1)
    refused(p, batch=2)
    assert len(p.commitments) == 64
    refused(p, commitments=(1).to_bytes(32, "big") + (2).to_bytes(32, "big"))
    one_g2 = bytes.fromhex(
        "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
        "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
        "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
        "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
    )
    refused(p, tau_g2=one_g2)
    table = p.c.table_bytes()
    assert table.count(b'"offset":3,') == 1
    refused(p, table=table.replace(b'"offset":3,', b'"offset":4,'))


def test_key_material_has_one_form() -> None:
    p = proved("dense", 1)
    for commitments in (b"", p.commitments[:-1], p.commitments + bytes(64), b"\1" * 64):
        with pytest.raises(MalformedError):
            check(p, commitments=commitments)
    for key in (b"", bytes(128), tau()[:-1], tau()[32:64] + tau()[:32] + tau()[64:]):
        with pytest.raises(MalformedError, match="tau H2"):
            check(p, tau_g2=key)
    with pytest.raises(UsageError):
        check(p, context=b"")


def test_key_digest() -> None:
    """SHA-256 over digests: what a contract computes without what they stand for."""
    header, *sections = (hashlib.sha256(part).digest() for part in (b"{}", b"a", b"b", b"c"))
    told = b"verifai/verifying-key/2\0" + (128).to_bytes(8, "big") + header + b"".join(sections)
    assert key_digest(header, b"a", b"b", b"c") == hashlib.sha256(told).digest()


# ---- false witnesses ----------------------------------------------------------------------------


def false(circuit: Circuit) -> None:
    p = Prover(circuit, CONTEXT)
    p.prove()
    assert refused(p).details["step"] == "last"


def test_a_product_that_is_not_zero() -> None:
    """y = max(x, 0) + 1: only the relation at the end of the zerocheck can tell."""
    c = Circuit(2, 5)
    x = c.committed("input", sample(random.Random(1), (2, 5), 1, 50), [8], -128)
    y = c.committed("output", c.values[x] + 1, [7])
    d = c.committed("witness", integers(np.ones((2, 5), dtype=object)), [3])
    c.zero(c.linear((1, y), (-1, d), (-1, x)))
    c.product(y, d)
    c.inputs, c.outputs = [x], [y]
    p = Prover(c, CONTEXT)
    p.prove()
    assert p.holds  # every claim but the relation, which the prover does not look at
    assert refused(p).details["step"] == "last"


def test_a_zero_node_that_is_not_zero() -> None:
    for einsum in (False, True):
        c = Circuit(2, 5)
        x = c.committed("input", integers([[1, 2, 3], [4, 5, 6]]), [3])
        if einsum:
            w = c.weight(integers([1, 1, 1]))
            node = c.linear((1, c.einsum(x, w, ("k", "k", ""))), offset=-6)  # 0, then 9
        else:
            node = c.linear((1, x), offset=-1)
        c.constraints["zero"].append(node)
        false(c)


def test_an_output_that_is_not_the_table_s() -> None:
    c = Circuit(1, 5)
    t = c.add_table(0, [i * i for i in range(8)])
    x = c.committed("input", integers([[0, 1, 2, 3]]), [3])
    y = c.committed("output", integers([[0, 1, 4, 8]]), [6])
    c.lookup(t, x, y)
    false(c)


def test_a_limb_that_is_not_in_its_range() -> None:
    """The limb of 3 bits holds 9; its multiplicity is counted in the table of 4 bits."""
    c = Circuit(1, 5)
    c.committed("input", integers([[1, 9, 2]]), [4])
    p = Prover(c, CONTEXT)
    c.nodes[0]["limbs"] = [3]
    p.widths = {3}
    p.prove()
    assert refused(p).details["step"] == "last"


# ---- order and bounds ---------------------------------------------------------------------------


def test_inventory() -> None:
    """Every step, in the order of "Transcript and order"."""
    record: list[TranscriptStep] = []
    p = proved("attention", 1)
    check(p, record=record)
    runs: list[tuple[str, int]] = []
    for step in record:
        if runs and runs[-1][0] == step.label:
            runs[-1] = (step.label, runs[-1][1] + 1)
        else:
            runs.append((step.label, 1))
    zerocheck = [("zerocheck", 1), ("z", 1)] * 8
    contraction = [("contraction", 1), ("kappa", 1)] * 3  # h and d: 2 and 4 entries
    last = [("last", 1), ("r", 1)] * 12
    assert runs == [
        ("key", 1), ("batch", 1), ("context", 1), ("stage 1", 1), ("alpha", 1), ("beta", 1),
        ("stage 2", 1), ("tau", 8), ("gamma", 1), *zerocheck, ("columns", 1), ("entry", 9),
        ("zero point", 12), ("eta", 1), *contraction, ("ends", 1), ("lambda", 1), *last,
        ("value", 1), ("opening blinding", 1), ("opening folds", 1), ("opening r", 1),
        ("opening evaluations", 1), ("opening nu", 1), ("opening W", 1), ("opening z", 1),
        ("opening W'", 1),
    ]  # fmt: skip
    assert record[-1].state == p.w.state
    sizes = {s.label: s.payload_bytes for s in record}
    assert sizes["ends"] == 32 * 2 * 12  # `both` holds four einsums and is met three times
    assert sizes["columns"] == 32 * 5


def test_a_table_that_asks_for_too_much() -> None:
    """2^40 terms of one tensor: refused by a named limit, whatever the proof."""
    c = Circuit(1, 4)
    node = c.committed("input", integers([[1, 0]]), [1])
    for _ in range(40):
        node = c.linear((1, node), (-1, node))
    c.zero(node)
    proof = bytes(proof_bytes(c.table_bytes(), 1))
    with pytest.raises(LimitError, match="MAX_TERMS"):
        verify(HEADER_DIGEST, c.table_bytes(), b"", tau(), 1, bytes(32), [], proof)
