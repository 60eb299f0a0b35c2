"""What a process holds can be copied, and pickled for its own children, wherever it came from."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import verifai
from tests.hostile.strings import halo2
from tests.process.conftest import Keys, inputs, network
from verifai import errors


def _srs(folder: Path) -> verifai.SRS:
    """A string of unknown origin, as a file."""
    path = folder / "string.srs"
    path.write_bytes(halo2(3))
    return verifai.SRS.load(path)


def _run_model(keys: Keys, folder: Path) -> verifai.Model:
    model = network()
    model.run(inputs().astype("float32"))
    return model


def _committed(keys: Keys, folder: Path) -> verifai.Proof:
    circuit = verifai.compile(
        keys.model, inputs(64), visibility=verifai.Visibility(output="committed")
    )
    return verifai.prove(verifai.setup(circuit)[0], inputs())


THINGS: dict[str, Callable[[Keys, Path], Any]] = {
    "model that has run": _run_model,
    "circuit": lambda keys, _: keys.circuit,
    "circuit of a file": lambda keys, _: verifai.Circuit.load(keys.folder / "circuit.vfc"),
    "proving key": lambda keys, _: keys.pk,
    "proving key of a file": lambda keys, _: verifai.ProvingKey.load(keys.pk_path),
    "verifying key": lambda keys, _: keys.vk,
    "verifying key of a file": lambda keys, _: verifai.VerifyingKey.load(keys.vk_path),
    "verifying key of bytes": lambda keys, _: verifai.VerifyingKey.from_bytes(keys.vk.to_bytes()),
    "proof": lambda keys, _: verifai.prove(keys.pk, inputs()),
    "proof with an opening": _committed,
    "proof of a file": lambda keys, folder: verifai.Proof.load(
        verifai.prove(keys.pk, inputs()).save(folder / "proof.vfb")
    ),
    "statement": lambda keys, _: verifai.verify(verifai.prove(keys.pk, inputs()), keys.vk),
    "registration": lambda keys, _: verifai.prove_weights(keys.pk),
    "SRS of a file": lambda _, folder: _srs(folder),
    "key store": lambda _, folder: verifai.KeyStore(folder / "keys"),
}


def _pickled(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))  # noqa: S301


@pytest.fixture(params=["pickle", "deepcopy", "copy"])
def copied(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    ways: dict[str, Callable[[Any], Any]] = {
        "pickle": _pickled,
        "deepcopy": copy.deepcopy,
        "copy": copy.copy,
    }
    return ways[request.param]


def _shown(thing: Any) -> Any:
    """What a thing holds, to be compared: keys and strings are equal to themselves only."""
    if isinstance(thing, verifai.SRS):
        return thing.kind, thing.log2, bytes(thing.data), thing.format, thing.id
    if isinstance(thing, verifai.Statement):
        return thing.to_json()
    if isinstance(thing, verifai.KeyStore):
        return repr(thing)
    if isinstance(thing, verifai.Model):
        return thing.onnx, thing.inputs, thing.outputs
    opened = {name: one.to_bytes() for name, one in getattr(thing, "openings", {}).items()}
    return thing.to_bytes(), opened


@pytest.mark.parametrize("name", THINGS)
def test_a_copy_is_the_same(keys: Keys, tmp_path: Path, name: str, copied: Callable[[Any], Any]):
    thing = THINGS[name](keys, tmp_path)
    other = copied(thing)
    assert type(other) is type(thing)
    assert _shown(other) == _shown(thing)


def test_a_copied_key_proves(keys: Keys, copied: Callable[[Any], Any]):
    for pk in (keys.pk, verifai.ProvingKey.load(keys.pk_path)):
        verifai.verify(verifai.prove(copied(pk), inputs()), copied(keys.vk))


def _classes(root: type[errors.VerifaiError]) -> list[type[errors.VerifaiError]]:
    return [root, *(one for below in root.__subclasses__() for one in _classes(below))]


@pytest.mark.parametrize("kind", _classes(errors.VerifaiError), ids=lambda kind: kind.__name__)
def test_an_error_is_pickled_whole(kind: type[errors.VerifaiError]):
    """One that cannot be read again leaves whoever waits for a pool's result waiting for ever."""
    numbered = issubclass(kind, errors.VerificationError)
    check: dict[str, Any] = {"check": 3} if numbered else {}
    error = kind("A message.", hint="A hint.", node="conv", **check)
    again = _pickled(error)
    assert type(again) is kind
    assert (str(again), again.to_dict()) == (str(error), error.to_dict())
    assert again.args == error.args
