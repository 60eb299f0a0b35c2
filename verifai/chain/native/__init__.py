"""Native proofs on a chain.

===============  ================================================================
``table``        the compact table that the universal verifier contract reads,
                 made by ``skeleton``, ``claims``, ``weights``, ``expressions``
                 and ``program``
``contract``     the verifier's calls and refusals
``words``        a statement's public words, as contracts take them
``registry``     the record of native proofs
``publication``  deploy, register, publish, read
``estimate``     what that would cost
===============  ================================================================
"""

from verifai.chain.native.table import circuit_id, compact_table

__all__ = ["circuit_id", "compact_table"]
