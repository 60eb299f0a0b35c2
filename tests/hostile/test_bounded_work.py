"""Refusing costs no more than accepting: sizes are checked before anything that grows with them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hostile.fields import public_words
from tests.hostile.oversized import EXCESS, oversized
from tests.soundness.broken_verifier import assembled, compiled
from tests.soundness.proofs import Claim, case, native, python, rust
from verifai.errors import VerifaiError
from verifai.verifier.native.field import MAX_WORK

pytest.importorskip("verifai._native", reason="the Rust core is not built")

HONEST = ("mlp", 2, True)


def honest() -> Claim:
    return case(*HONEST).claim


CASES = tuple(oversized(Claim(bytes(32), b"", b"", b"", 1, b"", b"", b"")))


@pytest.fixture(scope="module")
def claims() -> dict[str, Claim]:
    return oversized(honest())


class StartedError(Exception):
    """The transcript: the first thing whose cost a proof or its words determine."""


def untouched(name: str) -> Any:
    def start(*arguments: Any) -> None:
        raise StartedError(name)

    return start


@pytest.mark.parametrize("name", CASES)
def test_python_refuses_before_it_reads_the_proof(name: str, claims: dict[str, Claim]) -> None:
    """No hash of the transcript, no element of the proof, no pairing."""
    claim = claims[name]
    changes = {"Transcript": untouched("Transcript"), "ProofReader": untouched("ProofReader")}
    verifier = assembled({"verify": compiled("verify", changes)})
    words = public_words(claim) if len(claim.words) < EXCESS else [0] * (len(claim.words) // 32)
    parts = (*claim.key, claim.batch, claim.context)
    with pytest.raises(VerifaiError):
        verifier(*parts, words, claim.proof)


def test_an_honest_proof_is_read() -> None:
    """What the other tests forbid does happen for a proof of the right size."""
    claim = honest()
    changes = {"Transcript": untouched("Transcript")}
    verifier = assembled({"verify": compiled("verify", changes)})
    with pytest.raises(StartedError):
        python(claim, verifier)


@pytest.mark.parametrize("name", CASES)
def test_rust_refuses_by_size(name: str, claims: dict[str, Claim]) -> None:
    """The reason is a size, a limit or a table that is none: nothing of what a proof says."""
    reason = rust(claims[name])
    assert reason is not None
    early = ("bytes", "words", "elements", "2^32", "table", "context", "too large", "too big")
    assert any(word in reason for word in early), reason
    late = ("message", "ends within", "follow after", "sumcheck", "opening")
    assert not any(word in reason for word in late), reason


def test_the_length_comes_before_the_elements() -> None:
    """Bytes that are no scalars and points, one too many: both say "length", not "encoding"."""
    claim = honest()
    for proof in (b"\xff" * (len(claim.proof) + 1), b"\xff" * (len(claim.proof) - 1)):
        assert python(claim.but(proof=proof)) == "length"
        assert "the key asks for" in str(rust(claim.but(proof=proof)))
    assert python(claim.but(proof=b"\xff" * len(claim.proof))) == "stage 1"


# ---- keys: trusted, and bounded all the same ----------------------------------------------------


def table_of(nodes: str, zero: str = "0", log_columns: int = 7) -> bytes:
    return (
        f'{{"inputs":[],"log_columns":{log_columns},"lookup":[],"nodes":[{nodes}],"outputs":[],"product":[],'
        f'"tables":[],"version":2,"zero":[{zero}]}}'
    ).encode()


def hint(*shape: int) -> str:
    dims = ",".join(map(str, shape))
    return (
        '{"batched":false,"kind":"committed","limbs":[],"offset":0,"outer":[],'
        f'"region":"witness","shape":[{dims}]}}'
    )


def merging(side: int) -> str:
    """side x side entries of a line of side^2: pulling back makes one vector of that length."""
    return (
        f'{{"axes":[{{"offset":0,"terms":[[0,{side}],[1,1]]}}],"kind":"view",'
        f'"shape":[{side},{side}],"source":0}}'
    )


HOSTILE_TABLES = {
    "more elements than a tensor has": table_of(hint(1 << 13, 1 << 13)),
    "too many rows": table_of(",".join([hint(1 << 24)] * 4096), log_columns=4),
    "an address space beyond 2^32": table_of(",".join([hint(1 << 24)] * 300)),
    "more axes than twelve": table_of(hint(*[1] * 13)),
    "more nodes than 4,096": table_of(",".join([hint(1)] * 4097)),
    "more constraints than 4,096": table_of(hint(1), zero=",".join(["0"] * 4097)),
    "more column variables than twenty": table_of(hint(1), log_columns=21),
}


@pytest.mark.parametrize("name", HOSTILE_TABLES)
def test_a_table_beyond_the_limits_is_refused(name: str) -> None:
    claim = Claim(bytes(32), HOSTILE_TABLES[name], b"", honest().tau_g2, 1, bytes(32), b"", b"")
    assert python(claim) in ("LimitError", "MalformedError", "length")
    assert rust(claim) is not None


def test_work_is_counted_before_it_is_done() -> None:
    """A small table within all limits on shapes whose weights would be a vector of 2^24 entries."""
    table = table_of(f"{hint(1 << 24)},{merging(1 << 12)}", "1", 20)
    size = native().native_proof_bytes(table, 1)
    claim = Claim(bytes(32), table, b"", honest().tau_g2, 1, bytes(32), b"", bytes(size))
    assert MAX_WORK <= 20_000_000
    assert python(claim) == "LimitError"
