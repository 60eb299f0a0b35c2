"""The ezkl backend: what is refused before ezkl sees it, and what becomes of ezkl's failures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import verifai
from tests.conftest import SMALL, Pipeline, build
from tests.needs import skip_without
from tests.waiting import until
from verifai.backends.ezkl import process
from verifai.backends.ezkl import settings as ezkl_settings
from verifai.backends.ezkl.field import MODULUS, claims, from_ezkl, instances, to_ezkl
from verifai.backends.ezkl.process import EzklError, Step
from verifai.errors import (
    InputError,
    MalformedError,
    UnsupportedError,
    UsageError,
    VerifaiError,
    VerificationError,
    WorkerError,
)
from verifai.proof import TensorSpec

skip_without("torch", "ezkl")


def test_the_verifying_key_is_reproducible(tiny: Pipeline) -> None:
    circuit = verifai.compile(
        verifai.load(tiny.model.onnx),
        np.repeat(tiny.inputs[None], 8, 0),
        options=SMALL,
    )
    again = verifai.compile(tiny.model, np.repeat(tiny.inputs[None], 8, 0), options=SMALL)
    assert circuit.digest == again.digest
    assert verifai.setup(circuit)[1].digest == verifai.setup(again)[1].digest


@pytest.mark.parametrize("shown", ["private", "committed"])
def test_hidden_inputs_do_not_travel(tiny: Pipeline, shown: str) -> None:
    hidden = build(0, input=shown)
    statement = verifai.verify(hidden.proof, hidden.vk)
    assert statement.input.integers is None
    assert (statement.input.commitment is None) == (shown == "private")
    assert np.array_equal(statement.output.values, tiny.proof.statement.output.values)
    with pytest.raises(UsageError, match=shown):
        _ = statement.input.values


def test_two_proofs_of_one_statement_differ(tiny: Pipeline) -> None:
    again = verifai.prove(tiny.pk, tiny.inputs)
    assert again.statement == tiny.proof.statement
    assert again.argument != tiny.proof.argument


def test_a_saved_proving_key_proves(tiny: Pipeline, tmp_path: Path) -> None:
    key = verifai.ProvingKey.load(tiny.pk.save(tmp_path / "proving.vfp"))
    assert verifai.verify(verifai.prove(key, tiny.inputs), tiny.vk) == tiny.proof.statement


def test_a_damaged_proving_key_gives_no_proof(tiny: Pipeline) -> None:
    from dataclasses import replace

    damaged = bytearray(tiny.pk.material)
    for position in range(len(damaged) // 2, len(damaged) // 2 + 4096):
        damaged[position] ^= 1
    with pytest.raises(VerifaiError):
        verifai.prove(replace(tiny.pk, material=bytes(damaged)), tiny.inputs)


def test_keys_of_two_circuits_do_not_mix(tiny: Pipeline, other: Pipeline) -> None:
    from dataclasses import replace

    mixed = replace(tiny.pk, verifying_key=other.vk)
    with pytest.raises(MalformedError, match="two different circuits"):
        verifai.ProvingKey.from_bytes(mixed.to_bytes())


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((1, 5), np.float32),
        np.zeros((2, 4), np.float32),
        np.array([[np.nan, 0, 0, 0]]),
        np.array([[0, 0, -np.inf, 0]]),
    ],
)
def test_bad_inputs_are_refused_before_ezkl_runs(tiny: Pipeline, bad: Any) -> None:
    with pytest.raises(InputError, match="input"):
        verifai.prove(tiny.pk, bad)


def test_an_input_far_outside_the_calibration_is_one_clear_error(tiny: Pipeline) -> None:
    with pytest.raises(VerifaiError) as caught:
        verifai.prove(tiny.pk, np.full((1, 4), 3e4, np.float32))
    assert caught.value.exit_code in (3, 6)
    assert caught.value.hint


def test_a_context_is_refused_rather_than_ignored(tiny: Pipeline) -> None:
    with pytest.raises(UnsupportedError, match="context"):
        verifai.prove(tiny.pk, tiny.inputs, context={"job": 1})


def test_all_unsupported_nodes_are_named_at_once() -> None:
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="dilated", dilations=[2]),
        helper.make_node("Pad", ["a", "pads"], ["b"], name="mirrored", mode="reflect"),
        helper.make_node("Resize", ["b", "", "scales"], ["c"], name="smooth", mode="linear"),
        helper.make_node("Mod", ["c", "one"], ["y"], name="remainder", fmod=1),
    ]
    weights = {
        "w": np.ones((1, 1, 2), np.float32),
        "pads": np.array([0, 0, 1, 0, 0, 1]),
        "scales": np.array([1, 1, 2], np.float32),
        "one": np.ones((), np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 16])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model = verifai.load(proto.SerializeToString())
    with pytest.raises(UnsupportedError) as caught:
        verifai.compile(model, [np.ones((1, 1, 8), np.float32)], options=verifai.EzklOptions())
    found = caught.value.details["nodes"]
    assert [node["operator"] for node in found] == ["Conv", "Pad", "Resize", "Mod"]
    assert all(node["node"] in str(caught.value) for node in found)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scales": 7}, "scales is a list"),
        ({"logrows": True}, "logrows is of type int"),
        ({"tolerance": "big"}, "tolerance is a number"),
    ],
)
def test_options_of_another_type_are_refused(options: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        verifai.EzklOptions(**options)


@pytest.mark.parametrize(
    ("calibration", "error"),
    [
        ([], UsageError),
        (np.zeros((8, 5), np.float32), InputError),
        ([np.full((1, 4), np.nan)], InputError),
    ],
)
def test_bad_calibration_is_refused(
    tiny: Pipeline, calibration: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        verifai.compile(tiny.model, calibration, options=verifai.EzklOptions())


def test_a_circuit_that_differs_from_the_model_is_refused(tiny: Pipeline) -> None:
    """With scales too small for the weights, rounding alone is beyond a strict tolerance."""
    with pytest.raises(UnsupportedError, match="tolerance"):
        verifai.compile(
            tiny.model,
            np.random.default_rng(0).random((8, 1, 4)),
            options=replace(SMALL, scales=[2], tolerance=1e-6),
        )


def test_the_srs_must_fit_the_circuit(tiny: Pipeline, tmp_path: Path) -> None:
    path = tmp_path / "small.srs"
    process.run(tmp_path, [Step("gen_srs", {"srs_path": str(path), "logrows": 4})])
    before = path.read_bytes()
    srs = verifai.SRS.load(path)
    assert srs.kind == "custom"
    with pytest.raises(UsageError, match="k = "):
        verifai.setup(tiny.circuit, srs=srs)
    assert path.read_bytes() == before


def test_an_srs_of_ones_own_is_called_custom(tiny: Pipeline, tmp_path: Path) -> None:
    log2 = tiny.circuit.facts["log2_rows"]
    path = tmp_path / "own.srs"
    process.run(tmp_path, [Step("gen_srs", {"srs_path": str(path), "logrows": log2})])
    pk, vk = verifai.setup(tiny.circuit, srs=verifai.SRS.load(path))
    assert vk.guarantees.srs == "custom"
    assert vk.digest != tiny.vk.digest
    assert verifai.verify(verifai.prove(pk, tiny.inputs), vk).guarantees.srs == "custom"


def test_damaged_srs_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "k.srs"
    process.run(tmp_path, [Step("gen_srs", {"srs_path": str(path), "logrows": 5})])
    good = path.read_bytes()
    n = 32

    def power(index: int) -> slice:
        return slice(4 + 64 * index, 4 + 64 * (index + 1))

    swapped = bytearray(good)
    swapped[power(7)], swapped[power(8)] = good[power(8)], good[power(7)]
    other_tau = bytearray(good)
    other_tau[-128:] = good[-256:-128]
    off_curve = bytearray(good)
    off_curve[4 + 64 * 3] ^= 1
    noncanonical = bytearray(good)
    noncanonical[4 + 64 * 3 : 4 + 64 * 3 + 32] = b"\xff" * 32
    for data in (
        good[:-1],
        good + b"\0",
        b"",
        b"\x05",
        (40).to_bytes(4, "little") + good[4:],
        bytes(swapped),
        bytes(other_tau),
        bytes(off_curve),
        bytes(noncanonical),
        bytes(4) + good[4:],
        good[: 4 + 64 * n],
    ):
        path.write_bytes(data)
        with pytest.raises(MalformedError):
            verifai.SRS.load(path)
    path.write_bytes(b"ptau" + good[4:])  # the other form, which this is not
    with pytest.raises(MalformedError, match="version"):
        verifai.SRS.load(path)


SPECS = (TensorSpec("x", (2,), 3, "public"), TensorSpec("h", (9,), 0, "committed"))


def test_public_values_round_trip_through_the_field() -> None:
    values = [5, MODULUS - 5, 77]
    decoded = claims(SPECS, values)
    assert decoded[0].integers == (5, -5)
    assert instances(decoded) == values
    assert from_ezkl(to_ezkl(MODULUS - 5)) == MODULUS - 5


@pytest.mark.parametrize(
    "values",
    [[1, 2], [1, 2, 3, 4], [MODULUS, 2, 3], [-1, 2, 3], [MODULUS // 2, 2, 3], [1, 2, MODULUS]],
)
def test_noncanonical_public_values_are_refused(values: list[int]) -> None:
    with pytest.raises(MalformedError):
        claims(SPECS, values)


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, "ff" * 32, to_ezkl(0)[:-1], None, 5])
def test_noncanonical_field_elements_are_refused(text: Any) -> None:
    with pytest.raises(MalformedError):
        from_ezkl(text)


def test_settings_have_one_form(tiny: Pipeline) -> None:
    parameters = bytes(tiny.circuit.parameters)
    settings = json.loads(parameters)
    settings["timestamp"] = 12345
    settings["required_range_checks"].reverse()
    settings["einsum_params"]["equations"].reverse()
    assert ezkl_settings.canonical(json.dumps(settings, indent=2)) == parameters


# What becomes of a process that misbehaves. ``os`` functions of the worker's own interpreter stand
# in for ezkl's crashes: the worker runs whatever callable the module named in the step has.


def test_an_exception_of_ezkl_is_caught(tmp_path: Path) -> None:
    with pytest.raises(EzklError):
        process.run(tmp_path, [Step("gen_witness", {"data": "no", "model": "no", "output": "no"})])


def test_a_panic_of_ezkl_is_caught(tmp_path: Path) -> None:
    with pytest.raises(EzklError) as caught:
        process.run(tmp_path, [Step("gen_srs", {"srs_path": str(tmp_path), "logrows": 70})])
    assert caught.value.kind


@pytest.fixture
def hasty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For whoever watches a worker time begins once it runs, and passes ten times as fast."""
    begun: list[float] = []

    def monotonic() -> float:
        if not begun and (tmp_path / "running").exists():
            begun.append(time.monotonic())
        return 10 * (time.monotonic() - begun[0]) if begun else 0.0

    monkeypatch.setattr(process, "time", SimpleNamespace(monotonic=monotonic, sleep=time.sleep))


def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """What runs in place of ezkl; its id is in the file ``running``."""
    script = tmp_path / "other.py"
    begin = "import os, signal, time\nopen('id', 'w').write(str(os.getpid()))\n"
    script.write_text(f"{begin}os.rename('id', 'running')\n{code}\n")
    monkeypatch.setattr(process, "_WORKER", script)


@pytest.mark.usefixtures("hasty")
def test_the_time_limit_kills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker(tmp_path, monkeypatch, "while True: pass")
    with pytest.raises(WorkerError, match="time limit of 3 s"):
        process.run(tmp_path, [Step("gen_srs")], seconds=3)
    assert not Path("/proc", (tmp_path / "running").read_text()).exists()
    assert not (tmp_path / "result.json").exists()


def test_the_memory_limit_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERIFAI_WORKER_BYTES", str(1 << 30))
    with pytest.raises((WorkerError, EzklError)) as caught:
        process.run(tmp_path, [Step("gen_srs", {"srs_path": str(tmp_path / "k"), "logrows": 24})])
    if isinstance(caught.value, WorkerError):
        assert "memory" in str(caught.value) or "crashed" in str(caught.value)


@pytest.mark.usefixtures("hasty")
def test_a_stalled_process_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that waits for ever at no CPU, as ezkl's deadlock does."""
    worker(tmp_path, monkeypatch, "time.sleep(600)")
    monkeypatch.setattr(process, "STALL_SECONDS", 3.0)
    with pytest.raises(WorkerError, match="deadlocked"):
        process.run(tmp_path, [Step("prove")])


def test_a_killed_process_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker(tmp_path, monkeypatch, "os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(WorkerError, match="crashed with exit status -11"):
        process.run(tmp_path, [Step("prove")])


def test_workers_die_with_their_parent(tmp_path: Path) -> None:
    script = (
        "import os, pathlib, sys, threading\n"
        "from verifai.backends.ezkl import process\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "step = process.Step('gen_srs', {'srs_path': str(folder / 'k'), 'logrows': 22})\n"
        "threading.Thread(target=process.run, args=(folder, [step]), daemon=True).start()\n"
        "sys.stdin.read()\n"
        "os._exit(0)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE) as parent:
        until(lambda: any("ezkl." in _maps(pid) for pid in _workers(tmp_path)))
    assert parent.returncode == 0
    until(lambda: not _workers(tmp_path))


def _maps(pid: int) -> str:
    """The files in a process's memory: what it has imported."""
    try:
        return Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return ""


def _workers(folder: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"worker.py" in command and str(folder).encode() in command:
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("value", ["0", "-1", "x", "inf", "nan"])
def test_limits_from_the_environment_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("VERIFAI_WORKER_SECONDS", value)
    with pytest.raises(UsageError, match="positive number"):
        process.run(tmp_path, [Step("gen_srs")])


def test_without_ezkl_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(VerifaiError, match="verifai\\[ezkl\\]") as caught:
        process.run(tmp_path, [])
    assert caught.value.exit_code == 6


def test_a_key_is_made_again_from_its_circuit(tiny: Pipeline, other: Pipeline) -> None:
    verifai.verify_model(tiny.circuit, tiny.vk)
    parameters, _, string = tiny.vk.material
    false = replace(tiny.vk, material=(parameters, other.vk.material[1], string))
    with pytest.raises(VerificationError, match="weights"):
        verifai.verify_model(tiny.circuit, false)
