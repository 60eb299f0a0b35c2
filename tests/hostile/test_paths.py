"""What a path may lead to: every kind of file, through its function and its command."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hostile.route import KINDS, command, refused_everywhere
from verifai.errors import MalformedError
from verifai.limits import GIB
from verifai.proof.files import open_regular, read_regular


def a_link_to(target: str) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        path.symlink_to(target)
        return path

    return make


def a_socket(path: Path) -> Path:
    # a socket's name is short: it is bound from its folder
    back = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(back)
    return path


def a_folder(path: Path) -> Path:
    path.mkdir()
    return path


def a_pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def sparse(size: int) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        with path.open("wb") as file:
            file.truncate(size)
        return path

    return make


PATHS: dict[str, Callable[[Path], Path]] = {
    "a folder": a_folder,
    "a pipe": a_pipe,
    "a socket": a_socket,
    "an endless device": a_link_to("/dev/zero"),
    "an empty device": a_link_to("/dev/null"),
    "a link to nothing": a_link_to("nowhere"),
    "a link to itself": lambda path: a_link_to(path.name)(path),
    "nothing": lambda path: path,
    "a file as a folder": lambda path: path.parent / "key.vfk" / path.name,
    "a name that is too long": lambda path: path.with_name("n" * 300 + path.suffix),
    "an empty file": sparse(0),
    "20 GB of nothing": sparse(20 * GIB),
    "300 GB of nothing": sparse(300 * GIB),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", PATHS)
def test_what_is_no_file_of_its_kind(kind: str, path: str, folder: Path) -> None:
    name = "attack" + Path(KINDS[kind].file).suffix
    refused_everywhere(kind, PATHS[path](folder / name), folder)


@pytest.mark.parametrize("kind", KINDS)
def test_a_nul_in_a_path(kind: str) -> None:
    with pytest.raises(MalformedError):
        KINDS[kind].read("a\0b" + Path(KINDS[kind].file).suffix)


@pytest.mark.parametrize("kind", KINDS)
def test_honest_files_and_links_to_them_are_read(kind: str, folder: Path) -> None:
    link = folder / ("link" + Path(KINDS[kind].file).suffix)
    link.symlink_to(KINDS[kind].file)
    assert KINDS[kind].read(link) is not None
    code, value = command(KINDS[kind].command, folder, path=link, new=folder / "new")
    assert code == 0, value


UNREADABLE = """
    import os, sys
    import onnx
    from tests.hostile.route import KINDS, refusal
    from verifai.errors import FileAccessError
    os.setgid(65534); os.setuid(65534)
    for kind in KINDS.values():
        error = refusal(lambda: kind.read(os.path.join(sys.argv[1], kind.file)))
        assert type(error) is FileAccessError, repr(error)
        assert error.exit_code == 6
    print("refused")
"""


def test_a_file_that_may_not_be_read(folder: Path) -> None:
    for kind in KINDS.values():
        (folder / kind.file).chmod(0)
    for above in (folder, *folder.parents):
        if above.stat().st_uid == os.getuid() and str(above).startswith("/tmp/"):
            above.chmod(0o755)
    code = textwrap.dedent(UNREADABLE)
    if os.getuid():  # one cannot read it anyway
        code = code.replace("os.setgid(65534); os.setuid(65534)", "")
    ran = subprocess.run(
        [sys.executable, "-c", code, folder], capture_output=True, text=True, timeout=300
    )
    assert ran.stdout.strip() == "refused", ran.stderr


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(100))
    with open_regular(path, 1000) as (file, size):
        os.truncate(path, 10)
        assert (size, len(file.read())) == (100, 10)  # no signal, as a map would raise


@pytest.mark.parametrize("length", [10, 1000])
def test_a_file_of_another_size_than_it_said(
    length: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(100))
    real = os.fstat

    def changed(handle: int) -> os.stat_result:
        info = real(handle)
        if info.st_size == 100:
            os.truncate(path, length)
        return info

    monkeypatch.setattr(os, "fstat", changed)
    with pytest.raises(MalformedError, match="changed while it was read"):
        read_regular(path, 1000)
