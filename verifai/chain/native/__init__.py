"""Native proofs on a chain: the compact table that the universal verifier contract reads."""

from verifai.chain.native.table import circuit_id, compact_table

__all__ = ["circuit_id", "compact_table"]
