"""Wrong arguments of the verbs are refused by name, before any work."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

import verifai
from tests.conftest import Pipeline
from verifai.errors import MalformedError, UsageError

Call = Callable[[Pipeline], Any]
CALLS: dict[str, tuple[str, Call]] = {
    "a path for a model": ("model", lambda t: verifai.compile("m.onnx", [])),  # type: ignore[arg-type]
    "a word for a visibility": (
        "visibility",
        lambda t: verifai.compile(t.model, t.inputs, visibility="private"),  # type: ignore[arg-type]
    ),
    "a dict of options": (
        "options",
        lambda t: verifai.compile(t.model, t.inputs, options={"tolerance": 0.05}),  # type: ignore[arg-type]
    ),
    "a model for a circuit": ("circuit", lambda t: verifai.setup(t.model)),  # type: ignore[arg-type]
    "a path for a string": ("srs", lambda t: verifai.setup(t.circuit, srs=Path("f"))),  # type: ignore[arg-type]
    "the other key": ("key", lambda t: verifai.prove(t.vk, t.inputs)),  # type: ignore[arg-type]
    "a path for a key": ("key", lambda t: verifai.prove(Path("pk.vfp"), t.inputs)),  # type: ignore[arg-type]
    "proving the weights of the other key": ("key", lambda t: verifai.prove_weights(t.vk)),  # type: ignore[arg-type]
    "committing by the other key": ("key", lambda t: verifai.commit(t.pk, t.inputs)),  # type: ignore[arg-type]
    "verifying backwards": ("proof", lambda t: verifai.verify(t.vk, t.proof)),  # type: ignore[arg-type]
    "verifying paths": ("proof", lambda t: verifai.verify("p", "k")),  # type: ignore[arg-type]
    "verifying by the other key": ("key", lambda t: verifai.verify(t.proof, t.pk)),  # type: ignore[arg-type]
    "a path for a registration": (
        "registration",
        lambda t: verifai.verify(t.proof, t.vk, registration="x"),  # type: ignore[arg-type]
    ),
    "no claims": ("output", lambda t: verifai.verify_link(None, None)),  # type: ignore[arg-type]
    "no opening": ("opening", lambda t: verifai.commitment(None)),  # type: ignore[arg-type]
    "nothing to open": (
        "opening",
        lambda t: verifai.verify_opening(None, t.proof.statement.input),  # type: ignore[arg-type]
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_an_argument_of_another_type_is_named(tiny: Pipeline, name: str) -> None:
    argument, call = CALLS[name]
    with pytest.raises(UsageError, match=f"The argument {argument} is of type") as caught:
        call(tiny)
    assert caught.value.hint


@pytest.mark.parametrize("backend", ["halo2", "", 5, verifai.NativeOptions()])
def test_a_backend_that_there_is_not(tiny: Pipeline, backend: Any) -> None:
    with pytest.raises(UsageError, match="There is no backend") as caught:
        verifai.compile(tiny.model, tiny.inputs, backend=backend)
    assert "'native' or backend='ezkl'" in str(caught.value.hint)


def test_a_backend_is_named_or_has_options(tiny: Pipeline) -> None:
    with pytest.raises(UsageError, match="'ezkl', and the options are those of 'native'"):
        verifai.compile(tiny.model, [], backend="ezkl", options=verifai.NativeOptions())
    made = [
        verifai.compile(tiny.model, tiny.inputs[None], **given)
        for given in ({}, {"backend": "native"}, {"options": verifai.NativeOptions()})
    ]
    assert len({circuit.digest for circuit in made}) == 1
    assert made[0].backend == "native"


@pytest.mark.parametrize("path", ["x.npy", Path("x.npy")])
def test_a_file_of_calibration_data_is_read_first(
    tiny: Pipeline, path: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    numpy.save("x.npy", numpy.random.default_rng(0).random((8, 1, 4), numpy.float32))
    with pytest.raises(UsageError, match="needs typical inputs") as caught:
        verifai.compile(tiny.model, path)
    (example,) = re.findall(r"verifai\.compile\(.*\)", caught.value.hint or "")
    names = {"verifai": verifai, "numpy": numpy, "model": tiny.model}
    assert isinstance(eval(example, names), verifai.Circuit)


@pytest.mark.parametrize("calibration", [None, 5])
def test_without_calibration_data_an_example_says_what_to_give(
    tiny: Pipeline, calibration: Any
) -> None:
    with pytest.raises(UsageError, match="needs typical inputs") as caught:
        verifai.compile(tiny.model, calibration)
    (example,) = re.findall(r"verifai\.compile\(.*\)", caught.value.hint or "")
    names = {"verifai": verifai, "numpy": numpy, "model": tiny.model}
    assert isinstance(eval(example, names), verifai.Circuit)  # it runs


@pytest.mark.parametrize(
    "context",
    [
        {},
        "job",
        5,
        {"a": [1]},
        {"a": True},
        {"a": -1},
        {"a": 1 << 256},
        {"": ""},
        {"a": "x" * 10_000_000},
        {"a" * 65: 1},
        {1: 1},
        {"a": "\ud800"},
        {str(number): number for number in range(17)},
    ],
    ids=lambda context: str(context)[:20],
)
def test_a_context_that_no_proof_can_have(tiny: Pipeline, context: Any) -> None:
    for call in (
        lambda: verifai.prove(tiny.pk, tiny.inputs, context=context),
        lambda: verifai.verify(tiny.proof, tiny.vk, context=context),
    ):
        with pytest.raises(MalformedError) as caught:
            call()
        assert len(str(caught.value)) < 400
