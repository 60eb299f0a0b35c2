"""Embedded chains that begin where another one stands: what is dear to deploy is deployed once."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

import pytest

from verifai.chain import Chain, connect
from verifai.evm.node import embedded

if TYPE_CHECKING:
    from web3 import Web3


class Begun:
    """An embedded chain, from which copies go on; none sees what happens on another.

    Args:
        chain: what stands there now is on every copy.
    """

    def __init__(self, chain: Chain) -> None:
        self._backend = self._copy(chain.web3.provider.ethereum_tester.backend)

    def connect(self, **options: Any) -> Chain:
        """:func:`verifai.chain.connect` to a copy."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(embedded, "start", self._start)
            return connect(**options)

    def _start(self, journal: None) -> tuple[Web3, Any]:
        from eth_tester import EthereumTester
        from web3 import EthereumTesterProvider, Web3

        assert journal is None, "a journalled chain begins at its genesis"
        backend = self._copy(self._backend)
        return Web3(EthereumTesterProvider(EthereumTester(backend))), backend

    @staticmethod
    def _copy(backend: Any) -> Any:
        """The backend's chain in a database of its own."""
        from eth.db.atomic import AtomicDB
        from eth.db.backends.memory import MemoryDB

        entries = dict(backend.chain.chaindb.db.wrapped_db.kv_store)
        twin = copy(backend)
        twin.chain = type(backend.chain)(AtomicDB(MemoryDB(entries)))
        twin.created = list(backend.created)
        return twin
