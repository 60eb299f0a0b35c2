"""The commands: exit codes, JSON, and the whole route by files."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import numpy as np
import pytest

from tests.conftest import Pipeline
from verifai.cli.main import COMMANDS, main
from verifai.progress import reporting
from verifai.proof import Proof


def verifai(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, dict[str, Any]]:
    """Run one command with ``--json``; exactly one JSON object is on standard output."""
    code = main([*map(str, words), "--json"])
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    value = json.loads(printed)
    assert value["ok"] == (code == 0) or "report" in value
    return code, value


def test_a_good_bundle_is_0(bundle: tuple[Path, Path], capsys: Any) -> None:
    code, value = verifai(capsys, "verify", bundle[0], "--key", bundle[1])
    assert code == 0
    assert [check["passed"] for check in value["checks"]] == [True] * 7
    assert value["statement"]["outputs"][0]["integers"]


def edit(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert len(old) == len(new)
    assert data.count(old) >= 1
    path.write_bytes(data.replace(old, new, 1))


def test_an_edited_statement_is_1(bundle: tuple[Path, Path], tiny: Pipeline, capsys: Any) -> None:
    digit = str(tiny.proof.statement.input.integers[0]).encode()  # type: ignore[index]
    other = (b"1" if digit[:1] != b"1" else b"2") + digit[1:]
    edit(bundle[0], b'"integers":[' + digit, b'"integers":[' + other)
    code, value = verifai(capsys, "verify", bundle[0], "--key", bundle[1])
    assert (code, value["check"], value["check_name"]) == (1, 1, "digests")


def test_a_resealed_lie_is_1_at_the_proof(
    bundle: tuple[Path, Path], tiny: Pipeline, capsys: Any
) -> None:
    claim = tiny.proof.statement.output
    assert claim.integers
    lie = replace(claim, integers=(claim.integers[0] + 1, *claim.integers[1:]))
    statement = replace(tiny.proof.statement, outputs=(lie,))
    Proof.of(statement, tiny.proof.argument).save(bundle[0])
    code, value = verifai(capsys, "verify", bundle[0], "--key", bundle[1])
    assert (code, value["check"]) == (1, 7)
    assert [check["passed"] for check in value["checks"]] == [True] * 6 + [False]


def test_a_swapped_proof_is_1(
    bundle: tuple[Path, Path], tiny: Pipeline, other: Pipeline, capsys: Any
) -> None:
    replace(tiny.proof, argument=other.proof.argument).save(bundle[0])
    code, value = verifai(capsys, "verify", bundle[0], "--key", bundle[1])
    assert (code, value["check"]) == (1, 1)


def test_the_key_of_another_circuit_is_1(
    bundle: tuple[Path, Path], other: Pipeline, capsys: Any
) -> None:
    other.vk.save(bundle[1])
    code, value = verifai(capsys, "verify", bundle[0], "--key", bundle[1])
    assert (code, value["check"], value["check_name"]) == (1, 2, "key")


@pytest.mark.parametrize("data", [b"", b"garbage", b"\x89VFAI\r\n\n", bytes(5000), b"{}"])
def test_garbage_is_3(bundle: tuple[Path, Path], data: bytes, capsys: Any) -> None:
    bundle[0].write_bytes(data)
    assert verifai(capsys, "verify", bundle[0], "--key", bundle[1])[0] == 3


def test_a_bundle_is_no_key_and_a_folder_is_no_bundle(
    bundle: tuple[Path, Path], tmp_path: Path, capsys: Any
) -> None:
    assert verifai(capsys, "verify", bundle[0], "--key", bundle[0])[0] == 3
    assert verifai(capsys, "verify", tmp_path, "--key", bundle[1])[0] == 3
    assert verifai(capsys, "verify", tmp_path / "none", "--key", bundle[1])[0] == 3


@pytest.mark.parametrize(
    "words",
    [
        ["verify"],
        ["verify", "x"],
        ["nonsense"],
        ["verify", "a", "--key", "b", "--nonsense"],
        ["doctor", "--jso"],
        ["prove", "a", "--input", "b", "--context", "novalue"],
        ["prove", "a", "--input", "b", "--context", "job=" + "9" * 5000],
    ],
)
def test_wrong_usage_is_2(words: list[str], capsys: Any) -> None:
    assert verifai(capsys, *words)[0] == 2


def test_an_unknown_option_is_answered_with_the_commands_own_help(capsys: Any) -> None:
    code, value = verifai(capsys, "publish", "a", "--key", "b", "--context", "job=7")
    assert code == 2
    assert value["hint"] == "verifai publish --help"


def test_keys_that_are_not_there_are_3_as_every_missing_file(tmp_path: Path, capsys: Any) -> None:
    missing, report = tmp_path / "none", tmp_path / "report"
    code, value = verifai(capsys, "audit", "--keys", missing, "--out", report)
    assert (code, value["error"]) == (3, "MissingFileError")
    assert str(missing) in value["message"]
    assert not report.exists()


def test_no_node_at_the_url_is_7(bundle: tuple[Path, Path], capsys: Any) -> None:
    pytest.importorskip("web3")
    words = ("publish", bundle[0], "--key", bundle[1], "--chain", "http://127.0.0.1:9")
    code, value = verifai(capsys, *words)
    assert code == 7
    assert "127.0.0.1:9" in value["message"]


def test_a_bug_is_8_and_asks_for_a_report(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from verifai.cli import doctor

    def broken(arguments: object, output: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(doctor, "run", broken)
    code, value = verifai(capsys, "doctor")
    assert code == 8
    assert "report" in value["hint"]
    monkeypatch.setenv("VERIFAI_TRACEBACK", "1")
    assert main(["doctor"]) == 8  # not 1, which Python ends with
    assert "RuntimeError: boom" in capsys.readouterr().err


def test_words_for_people_hold_no_escapes_from_files(
    bundle: tuple[Path, Path], tiny: Pipeline, capsys: Any
) -> None:
    claim = tiny.proof.statement.output
    evil = replace(claim, spec=replace(claim.spec, name="\x1b[2Jcleared\u202e"))
    Proof.of(replace(tiny.proof.statement, outputs=(evil,)), tiny.proof.argument).save(bundle[0])
    assert main(["verify", str(bundle[0]), "--key", str(bundle[1])]) == 1
    printed = capsys.readouterr()
    assert "\x1b[2J" not in printed.out + printed.err
    assert "\u202e" not in printed.out + printed.err


def test_errors_have_hints_on_standard_error(
    bundle: tuple[Path, Path], other: Pipeline, capsys: Any
) -> None:
    other.vk.save(bundle[1])
    assert main(["verify", str(bundle[0]), "--key", str(bundle[1])]) == 1
    printed = capsys.readouterr()
    assert "check 2 (key)" in printed.err
    assert "Use the key of the circuit" in printed.err
    assert "FAILED" in printed.out


def test_doctor_names_what_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    code, value = verifai(capsys, "doctor")
    assert code == 0
    assert value["machine"]["cores"] >= 1
    from verifai.cli import doctor

    assert value["machine"]["data_folder_writable"] is True
    monkeypatch.setenv("VERIFAI_HOME", f"{__file__}/below")
    assert verifai(capsys, "doctor")[1]["machine"]["data_folder_writable"] is False
    monkeypatch.setattr(doctor, "_version", lambda package: None)
    code, value = verifai(capsys, "doctor", "--need", "ezkl")
    assert code == 6
    assert "verifai[ezkl]" in value["hint"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: Any) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert f"usage: verifai {command}" in capsys.readouterr().out


@pytest.fixture
def streams() -> Iterator[dict[str, IO[str] | None]]:
    """Where output can go that nobody reads: no stream, as Python has it where the descriptor is
    closed; a pipe whose reader left; a full disk."""
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as left, open("/dev/full", "w") as full:
        yield {"closed": None, "left": left, "full": full}


@pytest.mark.parametrize(
    ("claim", "name", "where", "code"),
    [
        ("true", "stdout", "closed", 0),
        ("true", "stdout", "left", 0),  # the reader has what it wanted
        ("false", "stdout", "left", 1),
        ("none", "stdout", "left", 3),
        ("true", "stdout", "full", 6),  # not 1, which would call the claim false
        ("false", "stdout", "full", 1),
        ("none", "stdout", "full", 3),
        ("none", "stderr", "full", 3),
        ("none", "stderr", "closed", 3),
        ("none", "stderr", "left", 3),
    ],
)
@pytest.mark.parametrize("words", [[], ["--json"]], ids=["words", "json"])
def test_output_that_nobody_reads_changes_no_verdict(
    bundle: tuple[Path, Path],
    tiny: Pipeline,
    streams: dict[str, IO[str] | None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
    claim: str,
    name: str,
    where: str,
    code: int,
    words: list[str],
) -> None:
    if claim == "false":
        replace(tiny.proof, argument=bytes(len(tiny.proof.argument))).save(bundle[0])
    path = "none" if claim == "none" else str(bundle[0])
    with monkeypatch.context() as patch:
        patch.setattr(sys, name, streams[where])
        assert main(["verify", path, "--key", str(bundle[1]), *words]) == code
    assert ("The command is done" in capsys.readouterr().err) == (code == 6)


@pytest.mark.parametrize(
    ("claim", "redirected", "code"),
    [
        ("true", ">&-", 0),
        ("true", "| true", 0),
        ("true", ">/dev/full", 6),
        ("none", "2>&1 | true", 3),
    ],
)
def test_the_interpreter_ends_well_where_nobody_reads(
    bundle: tuple[Path, Path], claim: str, redirected: str, code: int
) -> None:
    """What is left in its buffers when it ends is no error, and no traceback."""
    path = "none" if claim == "none" else bundle[0]
    command = f"{sys.executable} -m verifai verify {path} --key {bundle[1]}"
    # the reader of a pipe is gone before anything is written
    late = f"(sleep 0.1; {command})" if "|" in redirected else command
    line = f"{late} {redirected}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=120)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert ("The command is done" in done.stderr) == (code == 6)


@pytest.mark.parametrize(("lost", "expected"), [(errno.EPIPE, 0), (errno.ENOSPC, 6)])
def test_watching_ends_with_its_reader(
    monkeypatch: pytest.MonkeyPatch, lost: int, expected: int
) -> None:
    event = SimpleNamespace(to_json=dict)
    events = (event if number < 2 else pytest.fail("nobody reads") for number in range(3))
    chain = SimpleNamespace(watch=lambda **_: events, empty=False)
    monkeypatch.setattr("verifai.cli.watch.connect", lambda *_, **__: nullcontext(chain))
    written = iter([None, OSError(lost, "gone")])
    monkeypatch.setattr("verifai.cli.output._write", lambda *_: next(written, None))
    assert main(["watch", "--json"]) == expected


def test_no_progress_where_standard_error_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VERIFAI_PROGRESS")
    monkeypatch.setattr(sys, "stderr", None)
    with reporting("prove") as stages:
        stages.stage("nobody looks")


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_what_is_no_file_is_not_replaced(tmp_path: Path, force: list[str], capsys: Any) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for out in ("pipe", "link", "", "link/below", "a\0b"):
        words = ("export", "net.py:net", "--example", "x.npy", "--out", tmp_path / out, *force)
        code, value = verifai(capsys, *words)
        assert code in (2, 6), value
        assert str(tmp_path)[:9] in value["message"]
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "link").is_symlink()


MODULE = """
import torch

torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))


def factory():
    return net
"""


TWO = """
import torch


class Two(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(4, 2)

    def forward(self, x, y):
        return self.linear(x) - y


two, nothing, number = Two, lambda: 1 / 0, 5
"""


def test_a_file_of_models_is_asked_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("two.py").write_text(TWO)
    np.save("x.npy", np.zeros(1))
    code, value = verifai(capsys, "export", "two.py", "--example", "x.npy")
    assert code == 2
    assert "two.py:NAME" in value["hint"]
    code, value = verifai(capsys, "export", "none.py", "--example", "x.npy")
    assert (code, value["hint"]) == (2, None)


def test_a_model_of_two_inputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("verifai._native", reason="the proving core is not built")
    monkeypatch.chdir(tmp_path)
    Path("two.py").write_text(TWO)
    one = {"y": [[1.0, 2.0]], "x": [[0.1, 0.2, 0.3, 0.4]]}
    for name, value in {
        "one.json": one,
        "many.json": [one, one],
        "stacked.json": {key: [array, array] for key, array in one.items()},
    }.items():
        Path(name).write_text(json.dumps(value))
    code, value = verifai(capsys, "export", "two.py:two", "--example", "one.json")
    assert code == 0, value
    for data in ("many.json", "stacked.json"):
        words = ("compile", "model.onnx", "--calibration", data, "--force")
        code, value = verifai(capsys, *words)
        assert code == 0, value
    for name, said in (("nothing", "ZeroDivisionError"), ("number", "int"), ("none", "defines no")):
        words = ("export", f"two.py:{name}", "--example", "one.json", "--force")
        code, value = verifai(capsys, *words)
        assert code == 2
        assert said in value["message"]


def test_a_receipt_that_cannot_be_written_stops_before_the_chain(
    bundle: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr("verifai.cli.publish.connect", lambda *_, **__: pytest.fail("too late"))
    for receipt, expected in ((bundle[0], 2), (tmp_path, 2), (bundle[0] / "r.json", 6)):
        words = ("publish", bundle[0], "--key", bundle[1], "--receipt", receipt)
        assert verifai(capsys, *words)[0] == expected


@pytest.mark.slow
def test_the_whole_route_by_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    pytest.importorskip("web3")
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(MODULE)
    batch = np.random.default_rng(0).random((8, 1, 4), dtype=np.float32)
    np.save("batch.npy", batch)
    np.save("x.npy", batch[0])
    small = ("--option", "decomp_base=128", "--option", "decomp_legs=4", "--option", "scales=[7]")

    def ok(*words: object) -> dict[str, Any]:
        code, value = verifai(capsys, *words)
        assert code == 0, value
        return value

    ok("export", "net.py:net", "--example", "x.npy")
    assert verifai(capsys, "export", "net.py:factory", "--example", "x.npy")[0] == 2  # exists
    again = ok("export", "net.py:factory", "--example", "x.npy", "--force")
    words = ("compile", "model.onnx", "--calibration", "batch.npy", "--backend", "ezkl", *small)
    compiled = ok(*words)
    assert compiled["facts"]["rows"] > 0
    key = ok("setup", "circuit.vfc")["verifying_key"]
    ok("prove", "proving.vfp", "--input", "x.npy")
    verified = ok("verify", "proof.vfb", "--key", "verifying.vfk")
    assert verified["statement"]["model"] == again["model"]
    published = ok(
        "publish",
        "proof.vfb",
        "--key",
        "verifying.vfk",
        "--journal",
        "chain",
        "--receipt",
        "r.json",
    )
    assert published["receipt"]["key_digest"] == key
    code, audited = verifai(capsys, "audit", "--journal", "chain", "--out", "audit")
    assert code == 0
    assert audited["report"]["verdict"] == "verified"
    assert len(audited["report"]["entries"]) == 1
    assert Path("audit/report.html").is_file()

    Path("nan.json").write_text("[[1, 2, 3, NaN]]")
    assert verifai(capsys, "prove", "proving.vfp", "--input", "nan.json", "--force")[0] == 3
    Path("policy.json").write_text('{"srs": ["ceremony"]}')
    words = ("audit", "--journal", "chain", "--policy", "policy.json", "--out", "audit")
    assert verifai(capsys, *words)[0] == 4


def test_open_lengths_are_given_by_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    onnx = pytest.importorskip("onnx")
    monkeypatch.chdir(tmp_path)
    described = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Neg", ["x"], ["y"])],
        "g",
        [described("x", onnx.TensorProto.FLOAT, ["batch", "time"])],
        [described("y", onnx.TensorProto.FLOAT, ["batch", "time"])],
    )
    sets = [onnx.helper.make_opsetid("", 18)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=sets), "m.onnx")
    np.save("data.npy", np.random.default_rng(0).random((4, 1, 3), dtype=np.float32))
    words = ("compile", "m.onnx", "--calibration", "data.npy")
    code, value = verifai(capsys, *words)
    assert (code, value["shapes"]) == (5, {"time": 16})
    assert "--shape time=16" in value["hint"]
    assert verifai(capsys, *words, "--shape", "time")[0] == 2
    assert verifai(capsys, *words, "--shape", "tim=3")[0] == 2
    code, value = verifai(capsys, *words, "--shape", "time=3")
    assert code == 0
    assert value["notes"] == ["time is 3", "the batch axis batch is 1"]
    assert verifai(capsys, "setup", "circuit.vfc", "--salt", "salt")[0] == 0
    compared = ("model", "m.onnx", "--key", "verifying.vfk", "--salt", "salt")
    assert verifai(capsys, *compared, "--shape", "x=1,3")[0] == 0
    assert verifai(capsys, *compared, "--shape", "time=4")[0] == 1
    assert verifai(capsys, *compared)[0] == 5


@pytest.mark.slow
def test_the_native_route_by_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """The default backend: one inference, a batch, a registration, and what the chain says."""
    pytest.importorskip("torch")
    pytest.importorskip("verifai._native", reason="the proving core is not built")
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(MODULE)
    batch = np.random.default_rng(0).random((8, 1, 4), dtype=np.float32)
    np.save("batch.npy", batch)
    np.save("x.npy", batch[0])

    def ok(*words: object) -> dict[str, Any]:
        code, value = verifai(capsys, *words)
        assert code == 0, value
        return value

    ok("export", "net.py:net", "--example", "x.npy")
    compiled = ok("compile", "model.onnx", "--calibration", "batch.npy")
    assert compiled["facts"]["zero_knowledge"] is True
    ok("setup", "circuit.vfc", "--prove-weights", "weights.vfr")
    ok("prove", "proving.vfp", "--input", "x.npy")
    words = ("verify", "proof.vfb", "--key", "verifying.vfk")
    assert ok(*words)["weights_ranged"] is False
    ranged = ok(*words, "--registration", "weights.vfr")
    assert ranged["weights_ranged"] is True
    assert ranged["checks"][-1]["number"] == 9
    for name, mode in {"circuit.vfc": 0o600, "proving.vfp": 0o600, "verifying.vfk": 0o644}.items():
        assert Path(name).stat().st_mode & 0o777 == mode
    ok("prove", "proving.vfp", "--input", "batch.npy", "--batch", "--force")
    assert ok(*words)["statement"]["inputs"][0]["shape"] == [8, 1, 4]
    published = ok("publish", "proof.vfb", "--key", "verifying.vfk", "--journal", "c")
    assert published["receipt"]["gas_used"] < 1_000_000
    assert ok("audit", "--journal", "c", "--out", "report")["report"]["verdict"] == "verified"

    words = ("compile", "model.onnx", "--calibration", "batch.npy", "--force")
    ok(*words, "--output", "committed")
    ok("setup", "circuit.vfc", "--force")
    made = ok("prove", "proving.vfp", "--input", "x.npy", "--force")
    ((name, opening),) = made["openings"].items()
    shown = ok("open", opening, "proof.vfb", "--key", "verifying.vfk")
    assert shown["tensor"] == name
    other = ok("prove", "proving.vfp", "--input", "x.npy", "--out", "other.vfb")["openings"][name]
    code, value = verifai(capsys, "open", other, "proof.vfb", "--key", "verifying.vfk")
    assert (code, value["check"]) == (1, 10)

    monkeypatch.setattr(Proof, "save", lambda *_: os.open("none", os.O_RDONLY))
    code, value = verifai(capsys, "prove", "proving.vfp", "--input", "x.npy", "--out", "full.vfb")
    assert code == 6
    assert list(Path().glob("full.vfb.*.opening"))  # what cannot be made again is there
