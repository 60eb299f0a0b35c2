"""Files of ours are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from verifai.errors import SetupError
from verifai.proof.files import replace_file


def test_a_file_is_replaced_and_folders_are_made(tmp_path):
    path = tmp_path / "new" / "file"
    assert replace_file(path, [b"one", memoryview(b"two")]) == path
    assert path.read_bytes() == b"onetwo"
    replace_file(path, [b"secret"], mode=0o600)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"secret", 0o600)
    assert [found.name for found in path.parent.iterdir()] == ["file"]


def test_what_fails_half_way_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def pieces() -> Iterator[bytes]:
        yield b"new"
        raise RuntimeError("the rest cannot be made")

    with pytest.raises(RuntimeError):
        replace_file(path, pieces())
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("mode", [0o644, 0o600])
def test_the_umask_is_honoured(tmp_path, mode):
    before = os.umask(0o077)
    try:
        replace_file(tmp_path / "file", [b""], mode)
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_links_are_written_through(tmp_path):
    for name, target in (("link", "file"), ("dangling", "new/file")):
        (tmp_path / name).symlink_to(target)
        (tmp_path / "file").write_bytes(b"old")
        replace_file(tmp_path / name, [b"new"])
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / target).read_bytes() == b"new"


def test_what_is_no_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "loop").symlink_to("loop")
    for name in ("pipe", "link", "loop"):
        with pytest.raises(SetupError, match=f"Cannot write .*{name}: "):
            replace_file(tmp_path / name, [b""])
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "link").is_symlink()


def test_a_disk_that_refuses(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SetupError, match="Cannot write"):
        replace_file(tmp_path / "file" / "below", [b""])
    (tmp_path / "folder").mkdir()
    with pytest.raises(SetupError, match="Cannot write"):
        replace_file(tmp_path / "folder", [b""])
