"""Inputs that ask for more work than they are worth: what is too long, too short or too many."""

from __future__ import annotations

from tests.soundness.proofs import Claim

#: Bytes that a stranger adds to something that has a few kilobytes.
EXCESS = 100 << 20


def oversized(claim: Claim) -> dict[str, Claim]:
    """By name. Sizes are wrong in all of them, contents are not looked at."""
    more, size = bytes(EXCESS), len(claim.proof)
    found = {
        "no proof": claim.but(proof=b""),
        "a byte missing": claim.but(proof=claim.proof[:-1]),
        "100 MiB more of a proof": claim.but(proof=claim.proof + more),
        "100 MiB of zeros as the proof": claim.but(proof=more),
        "no words": claim.but(words=b""),
        "100 MiB more of words": claim.but(words=claim.words + more),
        "100 MiB more of words, no proof": claim.but(words=claim.words + more, proof=b""),
        "100 MiB more of commitments": claim.but(commitments=claim.commitments + more),
        "100 MiB more of tau H2": claim.but(tau_g2=claim.tau_g2 + more),
        "100 MiB of context": claim.but(context=more),
        "100 MiB of spaces after the table": claim.but(table=claim.table + b" " * EXCESS),
        "8 MiB of brackets as the table": claim.but(table=b"[" * (8 << 20)),
        "8 MiB of digits as the table": claim.but(table=b"9" * (8 << 20)),
    }
    for power in (10, 16, 20, 24, 28, 32, 48, 62, 63):
        found[f"a batch of 2^{power}"] = claim.but(batch=1 << power)
        found[f"a batch of 2^{power}, no proof"] = claim.but(batch=1 << power, proof=b"")
    for power in (10, 16):
        words = claim.words * (1 << power)
        found[f"a batch of 2^{power} with its words"] = claim.but(batch=1 << power, words=words)
        found[f"a batch of 2^{power} with its words, long"] = claim.but(
            batch=1 << power, words=words, proof=bytes(size << (power // 2))
        )
    return found
