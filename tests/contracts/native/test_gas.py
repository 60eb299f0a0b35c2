"""What a verification costs as a transaction, under Osaka's rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import verifai
from tests.contracts.native.circuits import Verifier, verify_calldata, words_of
from tests.needs import skip_without
from tests.soundness.proofs import Claim
from verifai.compact import compact_table
from verifai.verifier.native.check import context_bytes
from verifai.verifier.native.check import words_of as public_words

if TYPE_CHECKING:
    from benchmarks.models import Workload

skip_without("torch")


def claim_for(workload: Workload, inputs: Any, visible: str, **options: Any) -> Claim:
    """A hiding proof of a model laid out for a chain."""
    model = workload.exported()
    circuit = verifai.compile(
        model,
        workload.calibration,
        visibility=verifai.Visibility(input=visible),
        target="evm",
        options=verifai.NativeOptions(**options),
    )
    pk, vk = verifai.setup(circuit)
    proof = verifai.prove(pk, inputs, batch=len(inputs) > 1)
    key = (vk.header_digest, *map(bytes, vk.material))
    statement = proof.statement
    words = b"".join(w.to_bytes(32, "big") for w in public_words(vk, statement))
    batch, context = statement.batch(vk) or 1, context_bytes(statement.context)
    return Claim(*key, batch, context, words, proof.argument)


def gas_of(node: Verifier, claim: Claim, inputs: int) -> int:
    table = compact_table(*claim.key, claim.batch)
    circuit = node.register(table)
    return node.send(verify_calldata(circuit, claim.context, words_of(claim), claim.proof))


@pytest.mark.slow
def test_digits(node):
    from benchmarks import models

    work = models._random(models.digits, 1, 8, 8)
    assert gas_of(node, claim_for(work, work.held_out[0], "public"), 1) < 620_000
    assert gas_of(node, claim_for(work, work.held_out[:64], "private", log_columns=15), 0) < 900_000


@pytest.mark.slow
def test_lenet(node):
    from benchmarks import models

    work = models._trained_lenet()
    assert gas_of(node, claim_for(work, work.held_out[0], "public"), 1) < 960_000
    assert gas_of(node, claim_for(work, work.held_out[0], "private"), 0) < 925_000
