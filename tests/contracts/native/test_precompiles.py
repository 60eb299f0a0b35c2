"""A chain without the precompiles gets no verifier: it would accept what it cannot compute."""

from __future__ import annotations

import pytest

from verifai.chain import connect
from verifai.contracts.shipped import artefact
from verifai.evm import abi
from verifai.evm.node import embedded
from verifai.evm.node.faults import RevertedError


@pytest.mark.parametrize("precompile", [5, 6, 7, 8])
def test_a_chain_without_a_precompile(monkeypatch, precompile):
    from eth.vm.forks.prague.computation import PragueComputation

    known = dict(PragueComputation.get_precompiles())
    del known[precompile.to_bytes(20, "big")]
    monkeypatch.setattr(PragueComputation, "_precompiles", known)
    monkeypatch.setattr(embedded, "bn254_precompiles", dict)
    with connect() as chain, pytest.raises(RevertedError) as refused:
        chain.connection.sender.send(
            None, artefact("NativeVerifier").creation, "deploying the verifier"
        )
    expected = abi.selector("PrecompileMissing(uint256)") + precompile.to_bytes(32, "big")
    assert refused.value.data == expected
