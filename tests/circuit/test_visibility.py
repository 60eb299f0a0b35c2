"""Who sees what, tensor by tensor."""

from __future__ import annotations

import numpy as np
import pytest

import verifai
from tests.needs import skip_without
from verifai import Visibility
from verifai.errors import UnsupportedError, UsageError

skip_without("onnx", "onnxruntime")


@pytest.fixture(scope="module")
def ranking():
    """Scores of items by id for a history, and their sum: two inputs, two outputs."""
    from tests.graph.test_whole_inputs import whole_model

    rng = np.random.default_rng(0)
    table = rng.normal(size=(3000, 4)).astype(np.float32)
    return whole_model(
        {"ids": ("int64", [3]), "history": ("float32", [3, 4])},
        [
            ("Gather", ["table", "ids"], "rows", {}),
            ("Mul", ["rows", "history"], "scores", {}),
            ("ReduceSum", ["scores"], "total", {"keepdims": 1}),
        ],
        {"scores": "float32", "total": "float32"},
        table=table,
    )


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(1)
    return [
        (rng.integers(0, 3000, 3), rng.uniform(-1, 1, (3, 4)).astype(np.float32)) for _ in range(8)
    ]


def test_each_tensor_has_its_word(ranking, samples):
    visibility = Visibility(input={"history": "private"}, output={"scores": "committed"})
    circuit = verifai.compile(ranking, samples, visibility=visibility, progress=False)
    shown = {spec.name: spec.visibility for spec in (*circuit.inputs, *circuit.outputs)}
    assert shown == {
        "ids": "public",
        "history": "private",
        "scores": "committed",
        "total": "public",
    }
    again = verifai.Circuit.from_bytes(circuit.to_bytes())
    assert again.digest == circuit.digest
    pk, vk = verifai.setup(again, progress=False)
    proof = verifai.prove(pk, samples[0], progress=False)
    statement = verifai.verify(proof, vk)
    assert statement.inputs[0].values.tolist() == samples[0][0].tolist()
    assert statement.inputs[1].integers is None
    assert statement.outputs[0].integers is None
    assert list(proof.openings) == ["scores"]
    real = ranking.run(samples[0])[1]
    assert np.allclose(statement.outputs[1].values, real, atol=1e-2)


def test_ids_cannot_be_hidden_beside_others(ranking, samples):
    with pytest.raises(UnsupportedError, match=r"input=\{'ids': 'public'\}"):
        verifai.compile(
            ranking, samples, visibility=Visibility(input={"ids": "private"}), progress=False
        )


def test_names_and_words_that_do_not_exist(ranking, samples):
    with pytest.raises(UsageError, match='The model has no input "x"') as refused:
        verifai.compile(ranking, samples, visibility=Visibility(input={"x": "private"}))
    assert refused.value.hint == "Its inputs are 'ids', 'history'."
    with pytest.raises(UsageError, match="Visibility of output is one of"):
        Visibility(output={"scores": "hidden"})
    with pytest.raises(UsageError, match="Visibility of weights is one of"):
        Visibility(weights={"w": "private"})


def test_ezkl_has_one_word_for_all():
    from verifai.backends.ezkl.settings import one_word

    assert one_word(Visibility(input="private"), "input") == "private"
    with pytest.raises(UsageError, match="one visibility for all outputs"):
        one_word(Visibility(output={"y": "private"}), "output")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "public"),
        (["private"], "private"),
        (["x=private", "a=b=committed"], {"x": "private", "a=b": "committed"}),
    ],
)
def test_words_of_the_command_line(given, words):
    from verifai.cli.compile import _words

    assert _words("input", given) == words


@pytest.mark.parametrize("given", [["private", "x=public"], ["x=private", "x=public"]])
def test_words_that_contradict_each_other(given):
    from verifai.cli.compile import _words

    with pytest.raises(UsageError, match="one word for all or NAME=WORD"):
        _words("input", given)
