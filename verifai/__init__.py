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

from __future__ import annotations

from verifai.version import __version__ as __version__

TYPE_CHECKING = False
if TYPE_CHECKING:  # for type checkers and editors; at run time a name is imported when it is used
    from typing import Any, Final

    from verifai import audit as audit
    from verifai import chain as chain
    from verifai import market as market
    from verifai.api import commit as commit
    from verifai.api import commitment as commitment
    from verifai.api import compile as compile
    from verifai.api import export as export
    from verifai.api import load as load
    from verifai.api import prove as prove
    from verifai.api import prove_weights as prove_weights
    from verifai.api import setup as setup
    from verifai.api import verify as verify
    from verifai.api import verify_link as verify_link
    from verifai.api import verify_model as verify_model
    from verifai.api import verify_opening as verify_opening
    from verifai.backends.options import EzklOptions as EzklOptions
    from verifai.backends.options import NativeOptions as NativeOptions
    from verifai.circuit import SRS as SRS
    from verifai.circuit import Circuit as Circuit
    from verifai.circuit import ProvingKey as ProvingKey
    from verifai.circuit import Visibility as Visibility
    from verifai.errors import ChainRejectedError as ChainRejectedError
    from verifai.errors import FileAccessError as FileAccessError
    from verifai.errors import InputError as InputError
    from verifai.errors import InternalError as InternalError
    from verifai.errors import LimitError as LimitError
    from verifai.errors import MalformedError as MalformedError
    from verifai.errors import MissingExtraError as MissingExtraError
    from verifai.errors import MissingFileError as MissingFileError
    from verifai.errors import NetworkError as NetworkError
    from verifai.errors import NetworkTimeoutError as NetworkTimeoutError
    from verifai.errors import PolicyError as PolicyError
    from verifai.errors import SetupError as SetupError
    from verifai.errors import UnsupportedError as UnsupportedError
    from verifai.errors import UsageError as UsageError
    from verifai.errors import VerifaiError as VerifaiError
    from verifai.errors import VerificationError as VerificationError
    from verifai.errors import WorkerError as WorkerError
    from verifai.errors import WorkerTimeoutError as WorkerTimeoutError
    from verifai.model import Model as Model
    from verifai.proof import KeyStore as KeyStore
    from verifai.proof import Opening as Opening
    from verifai.proof import Proof as Proof
    from verifai.proof import Registration as Registration
    from verifai.proof import Statement as Statement
    from verifai.proof import VerifyingKey as VerifyingKey

#: The public names, by the module that holds them.
_NAMES: Final = {
    "verifai.api": "commit commitment compile export load prove prove_weights setup verify "
    "verify_link verify_model verify_opening",
    "verifai.backends.options": "EzklOptions NativeOptions",
    "verifai.circuit": "SRS Circuit ProvingKey Visibility",
    "verifai.errors": "ChainRejectedError SetupError FileAccessError InputError InternalError "
    "LimitError MalformedError MissingExtraError MissingFileError NetworkError NetworkTimeoutError "
    "PolicyError UnsupportedError UsageError VerifaiError VerificationError WorkerError "
    "WorkerTimeoutError",
    "verifai.model": "Model",
    "verifai.proof": "KeyStore Opening Proof Registration Statement VerifyingKey",
}
_HOMES: Final = {name: module for module, names in _NAMES.items() for name in names.split()}
_ROOMS: Final = ("audit", "chain", "market")

__all__ = sorted([*_HOMES, *_ROOMS, "__version__"])


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first used (PEP 562): ``import verifai`` loads nothing."""
    from importlib import import_module

    if name in _ROOMS:
        return import_module(f"verifai.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'verifai' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    return __all__
