"""The package as a whole: public names, weight, layout, and what an install brings."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import verifai
from verifai import errors

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "onnx", "onnxruntime", "ezkl", "web3", "ray", "sklearn", "rich", "eth_tester"}
#: Prints the top-level packages that are loaded after what stands before it.
LOADED = "; print(*{name.partition('.')[0] for name in sys.modules})"
#: A process that gets Ctrl-C when it begins to import numpy.
INTERRUPTED = """
import os, signal, sys
from importlib.abc import MetaPathFinder
signal.signal(signal.SIGINT, signal.default_int_handler)

class Finder(MetaPathFinder):
    def find_spec(self, name, *rest):
        if name == "numpy":
            try:
                os.kill(os.getpid(), signal.SIGINT)
            finally:
                # made
                pass

sys.meta_path.insert(0, Finder())
from verifai.__main__ import start
sys.argv = ["verifai", "prove", "key", "--input", "x.npy"]
sys.exit(start())
"""
PUBLIC = """
    SRS ChainRejectedError Circuit SetupError EzklOptions FileAccessError InputError
    InternalError KeyStore LimitError MalformedError MissingExtraError MissingFileError Model
    NativeOptions NetworkError NetworkTimeoutError Opening PolicyError Proof ProvingKey
    Registration Statement UnsupportedError UsageError
    VerifaiError VerificationError VerifyingKey Visibility WorkerError WorkerTimeoutError
    __version__ audit chain market commit commitment compile export load prove prove_weights setup
    verify verify_link verify_model verify_opening
"""


def test_the_public_names_are_pinned() -> None:
    assert sorted(verifai.__all__) == sorted(PUBLIC.split())
    assert dir(verifai) == verifai.__all__
    assert all(hasattr(verifai, name) for name in verifai.__all__)
    assert not hasattr(verifai, "frobnicate")


def test_type_checkers_see_the_names_that_there_are() -> None:
    seen = re.findall(
        r"^    from \S+ import (\w+) as \1$", inspect.getsource(verifai), re.MULTILINE
    )
    assert sorted([*seen, "__version__"]) == verifai.__all__


@pytest.mark.parametrize(
    ("script", "absent"),
    [
        ("import verifai", HEAVY | {"numpy", "py_ecc"}),
        ("from verifai.cli.main import build_parser as build; build(())", HEAVY | {"numpy"}),
        ("import verifai; [getattr(verifai, name) for name in verifai.__all__]", HEAVY),
    ],
)
def test_importing_is_light(script: str, absent: set[str]) -> None:
    command = [sys.executable, "-c", f"import sys; {script}{LOADED}"]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert not absent & set(loaded.split())


@pytest.mark.parametrize("made", ["", "raise ImportError"])  # what numpy makes of it, in places
def test_ctrl_c_while_a_command_starts(made: str) -> None:
    command = [sys.executable, "-c", INTERRUPTED.replace("# made", made)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


def test_every_error_is_in_the_drawing_with_its_codes() -> None:
    tree = errors.__doc__ or ""

    def leaves(kind: type[errors.VerifaiError]) -> list[type[errors.VerifaiError]]:
        return [kind] + [leaf for child in kind.__subclasses__() for leaf in leaves(child)]

    kinds = [kind for kind in leaves(errors.VerifaiError) if kind.__module__ == errors.__name__]
    assert len(kinds) > 10
    for kind in kinds[1:]:
        row = rf"{kind.__name__}\s+{re.escape(kind.code)}\s+{kind.exit_code}\s"
        assert re.search(row, tree), f"{kind.__name__} is not drawn as it is"
    codes = [kind.code for kind in kinds if kind not in (errors.VerifaiError,)]
    assert len(set(codes)) == len(codes)


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.splitlines()]


def test_the_layout_is_the_one_in_the_documentation() -> None:
    folders = {path.relative_to(ROOT).parts[0] for path in tracked() if path.parent != ROOT}
    named = {"verifai", "circuits", "examples", "benchmarks", "docs", "tests"}
    assert {folder for folder in folders if not folder.startswith(".")} <= named
    page = (ROOT / "docs" / "architecture.md").read_text()
    rooms = {
        path.relative_to(ROOT / "verifai").parts[0]
        for path in tracked()
        if path.is_relative_to(ROOT / "verifai") and path.parent != ROOT / "verifai"
    }
    assert rooms == set(re.findall(r"^\| `verifai/(\w+)`", page, re.MULTILINE))


def test_files_hold_one_idea() -> None:
    sources = [path for path in tracked() if path.suffix in (".py", ".rs", ".sol")]
    long = {
        path.name: lines
        for path in sources
        if path.is_file() and (lines := len(path.read_text().splitlines())) > 600
    }
    assert not long
    # (helpers are also what a lookup argument commits to: in Rust the word is the field's)
    nameless = {"utils", "util", "common", "misc"}
    assert not {path.stem for path in sources} & nameless
    assert "helpers" not in {path.stem for path in sources if path.suffix != ".rs"}


@pytest.mark.slow
def test_wheel_and_sdist_build_and_the_base_install_verifies(tmp_path: Path) -> None:
    subprocess.run(
        # both from this tree: crates that were built once are not built again in another folder
        [sys.executable, "-m", "build", "--sdist", "--wheel", "--outdir", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
        env={"CARGO_TARGET_DIR": str(ROOT / "circuits" / "target"), **os.environ},
    )
    (wheel,) = tmp_path.glob("*.whl")
    (sdist,) = tmp_path.glob("*.tar.gz")
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "verifai/py.typed",
        "verifai/proof/schema/bundle.json",
        "verifai/audit/style.css",
        "verifai/audit/schema/report.json",
        "verifai/contracts/src/ProofRegistry.json",
        "verifai/contracts/src/ProofRegistry.sol",
        "verifai/_native.abi3.so",
    ):
        assert needed in names
    with tarfile.open(sdist) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    sources = {path.relative_to(ROOT).as_posix() for path in tracked() if path.is_file()}
    built = re.compile(
        # all that the package is built of, which the fuzz targets are not
        r"verifai/|circuits/(crates/(?!fuzzing)[^/]+/(src/|Cargo)|Cargo)|LICENSE|README|pyproject"
    )
    assert not {name for name in sources if built.match(name)} - packed

    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel],
        check=True,
    )
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True
    ).stdout.lower()
    assert "numpy" in listed
    assert not {"torch", "ezkl", "onnx", "web3"} & {line.split("==")[0] for line in listed.split()}
    lies = "import verifai._native as core; assert not hasattr(core.Prover, 'prove_spoiled')"
    subprocess.run([python, "-c", lies], cwd=tmp_path, check=True)
    command = tmp_path / "env" / "bin" / "verifai"
    done = subprocess.run([command, "verify", "--help"], capture_output=True, text=True, check=True)
    assert "--key" in done.stdout
    (tmp_path / "garbage").write_bytes(b"garbage")
    done = subprocess.run(
        [command, "verify", tmp_path / "garbage", "--key", tmp_path / "garbage", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
