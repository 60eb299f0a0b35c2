"""The NativeProofRegistry contract: what its events claim, and who accepted.

A record names no digests of bundles: what the contract has verified is in the calldata, and the
bundle is made from them and the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, Final

from verifai.chain.native.acceptor import first_systems, router_of, verifier_now
from verifai.chain.native.call import NativeCall
from verifai.chain.registry import Registry
from verifai.errors import VerifaiError
from verifai.evm.abi import keccak
from verifai.evm.node.faults import RevertedError


class NativeRegistry(Registry):
    """A registry of native proofs. Its router names the verifier, nobody else does."""

    NAME: Final = "NativeProofRegistry"  # type: ignore[misc]
    RUNS: Final = ("NativeProofRegistry", "VerifierRouter", "NativeVerifier")  # type: ignore[misc]

    @classmethod
    def claims(cls, fields: Mapping[str, Any]) -> dict[str, str]:
        return {
            "key_digest": fields["keyDigest"].hex(),
            "statement_digest": "",
            "bundle_digest": "",
            "publisher": fields["publisher"],
            "verifier": "",
            "verifier_code_hash": "0x" + fields["circuit"].hex(),
        }

    def call_of(self, arguments: tuple[Any, ...]) -> tuple[NativeCall, Mapping[str, Any]]:
        system, circuit, context, words, argument = arguments
        return NativeCall(circuit, context, words, argument), {
            "system": system,
            "circuit": circuit,
            "contextDigest": context_digest(context),
            "wordsDigest": keccak(words),
            "proofDigest": keccak(argument),
        }

    def acceptor(self, fields: Mapping[str, Any]) -> dict[str, str]:
        """System, router and verifier: the one that the router was made with; of a system that
        came later, the one that the node says; empty if the router is not this package's."""
        system = fields["system"]
        if system not in self._verifiers:
            self._verifiers[system] = ""
            if self._first is not None:  # of a stranger's router no answer is worth showing
                # Not only one that counts now: revocation does not undo what was published before.
                with suppress(VerifaiError, RevertedError):
                    self._verifiers[system] = verifier_now(
                        self.contract.sender, self._router, system
                    )
        return {
            "system": "0x" + system.hex(),
            "router": self._router,
            "verifier": self._verifiers[system],
        }

    @cached_property
    def _router(self) -> str:
        return str(router_of(self.contract.sender, self.address))

    @cached_property
    def _first(self) -> Mapping[bytes, str] | None:
        with suppress(VerifaiError):
            return first_systems(self.contract.sender, self._router)
        return None

    @cached_property
    def _verifiers(self) -> dict[bytes, str]:
        return dict(self._first or {})


def context_digest(context: bytes) -> bytes:
    """What a proof is bound to: Keccak-256 of the context's canonical JSON, zeros for none."""
    return keccak(context) if context else bytes(32)
