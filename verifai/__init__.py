"""verifai: machine-learning results that anyone can check.

The route, stage by stage:

=============  ==========================================================  ====================
stage          from -> to                                                  verb
=============  ==========================================================  ====================
``model``      torch module -> ONNX                                        ``export``, ``load``
``circuit``    ONNX -> circuit -> keys                                     ``compile``, ``setup``
``backends``   key and input -> proof                                      ``prove``
``proof``      the artefact that travels: statement and argument           ``Proof``
``verifier``   proof and key -> statement, or a numbered refusal           ``verify``
``chain``      proof -> transaction -> receipt                             ``chain.connect``
``audit``      all that was published -> report                            ``audit.run``
=============  ==========================================================  ====================
"""

from verifai import audit, chain
from verifai.api import (
    commit,
    commitment,
    compile,
    export,
    load,
    prove,
    register,
    setup,
    verify,
    verify_link,
    verify_model,
    verify_opening,
)
from verifai.circuit import SRS, Circuit, ProvingKey, Visibility
from verifai.errors import (
    ChainRejected,
    EnvironmentFault,
    InputError,
    InternalError,
    LimitError,
    MalformedError,
    MissingExtra,
    NetworkError,
    PolicyError,
    UnsupportedError,
    UsageError,
    VerifaiError,
    VerificationError,
    WorkerFault,
)
from verifai.model import Model
from verifai.proof import KeyStore, Opening, Proof, Registration, Statement, VerifyingKey
from verifai.version import __version__

__all__ = [
    "SRS",
    "ChainRejected",
    "Circuit",
    "EnvironmentFault",
    "InputError",
    "InternalError",
    "KeyStore",
    "LimitError",
    "MalformedError",
    "MissingExtra",
    "Model",
    "NetworkError",
    "Opening",
    "PolicyError",
    "Proof",
    "ProvingKey",
    "Registration",
    "Statement",
    "UnsupportedError",
    "UsageError",
    "VerifaiError",
    "VerificationError",
    "VerifyingKey",
    "Visibility",
    "WorkerFault",
    "__version__",
    "audit",
    "chain",
    "commit",
    "commitment",
    "compile",
    "export",
    "load",
    "prove",
    "register",
    "setup",
    "verify",
    "verify_link",
    "verify_model",
    "verify_opening",
]
