"""Whose a record is: anyone can claim any key, and name a contract that accepts everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from verifai.proof import VerifyingKey

if TYPE_CHECKING:
    from verifai.chain.chain import Chain
    from verifai.chain.native.publication import NativeCall
    from verifai.chain.published import Published

#: Why a native record is none of the key's.
FOREIGN: Final = "its circuit is none that the key compiles to; anyone can register one"
#: Why any other record is none of a native key.
OTHER_SYSTEM: Final = "it is no native proof, and the key is a native one"


def foreign(chain: Chain, record: Published, key: VerifyingKey) -> str:
    """Why a record is none of the key that it claims, which anyone can claim; empty if it is.

    A native record is the key's if its circuit is one that the key compiles to and what
    accepted it is established to be this package's verifier; any other, if the contract that
    accepted has the code that the key compiles to.

    Raises:
        UnsupportedError, EnvironmentFault: the key cannot be compiled here.
        NetworkError: the node does not show what it takes to find out.
    """
    from verifai.chain.native.publication import NativeCall

    if isinstance(record.call, NativeCall):
        own = own_batch(chain, record, record.call, key) is not None
        return unestablished(chain, record, key) if own else FOREIGN
    if key.guarantees.backend == "native":
        return OTHER_SYSTEM
    matches = record.verifier_code_hash == chain.expected_code_hash(key)
    return "" if matches else "the code of what accepted it is not what the key compiles to"


def unestablished(chain: Chain, record: Published, key: VerifyingKey) -> str:
    """What is not established of this package's verifier having accepted a record; empty if
    all of it is.

    Of a native record: registry, router, system and verifier, by their addresses, and the code
    that stands at the last. Of any other: the verifier's code, in the event and now.

    Raises:
        As :func:`foreign`.
    """
    if record.system:
        from verifai.chain.native import acceptor

        return acceptor.unestablished(
            chain._sender, record.registry, bytes.fromhex(record.system[2:])
        )
    if why := foreign(chain, record, key):
        return why
    now = chain.code_hash(record.verifier)
    matches = now == record.verifier_code_hash
    return "" if matches else f"the node shows other code at {record.verifier} than the event"


def own_batch(chain: Chain, record: Published, call: NativeCall, key: VerifyingKey) -> int | None:
    """Inferences in a record whose circuit is one that the key compiles to, else None."""
    from verifai.chain.native import circuits

    if key.guarantees.backend != "native":
        return None
    digest = bytes.fromhex(record.key_digest)
    return circuits.own_batch(chain._sender, key, digest, call.circuit, call.words, record.verifier)
