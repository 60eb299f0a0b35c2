"""The artefact that travels: statement, verifying key, proof bundle, and their encodings.

Every other room speaks in these values, so this one imports none of them, and nothing heavy.

================  =====================================================
module            holds
================  =====================================================
``codec``         canonical JSON, the container, digests
``artefact``      what all containers have in common
``tensor``        what a key fixes and a statement claims of one tensor
``statement``     what a proof proves, in fields and in words
``reference_string``  digests that name reference strings; public ceremonies
``key``           the verifying key
``model_name``    how a key names its model: a digest, or a commitment where weights are hidden
``bundle``        statement + proof + digests in one file
``store``         a folder of verifying keys by digest
``opening``       a committed tensor's values and blindings, its owner's secret
``registration``  a proof about a key: its weights are in their ranges
================  =====================================================
"""

from verifai.proof.bundle import Digests, Proof, bundle_schema
from verifai.proof.key import VerifyingKey
from verifai.proof.opening import Opening
from verifai.proof.registration import Registration
from verifai.proof.statement import Guarantees, Statement, check_context
from verifai.proof.store import KeyStore
from verifai.proof.tensor import TensorClaim, TensorSpec

__all__ = [
    "Digests",
    "Guarantees",
    "KeyStore",
    "Opening",
    "Proof",
    "Registration",
    "Statement",
    "TensorClaim",
    "TensorSpec",
    "VerifyingKey",
    "bundle_schema",
    "check_context",
]
