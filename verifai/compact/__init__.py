"""Operation table to compact table: what the universal verifier contract reads of a circuit.

A contract cannot afford to read an operation table: it gets a short program that computes, from the
challenges of a proof, the few numbers that depend on the model. Making it takes these steps:

===============  =============================================================
``frame``        what all circuits have alike: how many messages and
                 challenges there are, and where the contract keeps them
``expressions``  sums and products of challenges, equal ones written once
``weights``      weights on a tensor's entries, as expressions
``claims``       what a circuit claims, as weights on what is committed
``program``      expressions as operations, with slots and memory
``table``        header, tables and program as bytes
``gas``          what verifying will cost, and the cheapest layout
``words``        a statement's public words, as contracts take them
===============  =============================================================
"""

from verifai.compact.table import circuit_id, compact_table

__all__ = ["circuit_id", "compact_table"]
