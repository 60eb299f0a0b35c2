"""The independent verifier of the native proof system, in plain Python (docs/protocol.md).

============================  =================================================================
module                        idea
============================  =================================================================
``keccak``, ``field``         Keccak-256; the scalar field, eq tables, sumcheck rounds
``curve``                     BN254: decoding, sums of multiples, the pairing check
``transcript``                Fiat-Shamir, and the proof that can only be read through it
``table``, ``parse``          the operation table, and every rule that it has to obey
``layout``                    where each tensor lies in the committed vector and in the cube
``circuit``, ``key``          a table read once and laid out once for each batch; a key read once
``weights``, ``claims``       linear forms, pulled back through the graph and evaluated
``zerocheck``                 lookups and products
``contraction``               einsums
``hiding``                    pads, triples and the tail of proofs that hide
``opening``                   the committed vector's value at a point
``verify``                    all of it in order
``linked``                    commitments of single tensors
``check``, ``registration``   checks 7 and 9: statements and keys in terms of all this
``calldata``                  a statement rebuilt from a transaction
============================  =================================================================
"""

from verifai.verifier.native.transcript import TranscriptStep
from verifai.verifier.native.verify import proof_bytes, verify

__all__ = ["TranscriptStep", "proof_bytes", "verify"]
