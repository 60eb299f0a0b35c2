"""Operation table to compact table: what the universal verifier contract reads of a circuit.

===============  =============================================================
``table``        the compact table; made by ``skeleton``, ``claims``,
                 ``weights``, ``expressions`` and ``program``
``words``        a statement's public words, as contracts take them
===============  =============================================================
"""

from verifai.compact.table import circuit_id, compact_table

__all__ = ["circuit_id", "compact_table"]
