"""Proofs of which each key has a verifier contract of its own, generated and compiled: ezkl's."""
