"""Native proofs on a chain: what accepts them, their registry, publishing and estimating."""
