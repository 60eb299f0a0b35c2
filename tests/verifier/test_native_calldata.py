"""A statement comes back from its words, and from nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import verifai
from tests.needs import skip_without
from verifai.errors import MalformedError
from verifai.verifier.native.calldata import statement_of
from verifai.verifier.native.check import words_of

skip_without("verifai._native", "torch")


@pytest.fixture(scope="module", params=["public", "private", "committed"])
def made(request: pytest.FixtureRequest) -> Any:
    import torch

    torch.manual_seed(1)
    x = np.random.default_rng(1).random((6, 2, 3, 5), dtype=np.float32)
    model = verifai.export(torch.nn.Linear(5, 11), (torch.from_numpy(x[0]),))
    shown = verifai.Visibility(request.param, "public")
    circuit = verifai.compile(
        model, x, visibility=shown, options=verifai.NativeOptions(log_columns=7)
    )
    return (*verifai.setup(circuit), x)


@pytest.mark.parametrize("batch", [None, 1, 3])
@pytest.mark.parametrize("context", [None, {"job": 3}])
def test_there_and_back(made, batch, context) -> None:
    pk, vk, x = made
    several = batch is not None
    inputs = x[:batch] if several else x[0]
    proof = verifai.prove(pk, inputs, batch=several, context=context)
    words = words_of(vk, proof.statement)
    assert statement_of(vk, batch, context, words, proof.argument) == proof.statement


def test_only_canonical_words(made) -> None:
    pk, vk, x = made
    proof = verifai.prove(pk, x[0])
    words = words_of(vk, proof.statement)
    with pytest.raises(MalformedError, match="more than"):
        statement_of(vk, None, None, [*words, 0], proof.argument)
    with pytest.raises(MalformedError, match="words where"):
        statement_of(vk, None, None, words[:-1], proof.argument)
    # the rows have 11 values: lanes 3 to 7 of each second word are beyond the end
    beyond = [*words[:-1], words[-1] | 1 << 16 * 3]
    with pytest.raises(MalformedError, match="cannot"):
        statement_of(vk, None, None, beyond, proof.argument)
