"""Files of ours are there whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from verifai.errors import EnvironmentFault
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


def test_a_disk_that_refuses(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(EnvironmentFault, match="Cannot write"):
        replace_file(tmp_path / "file" / "below", [b""])
    (tmp_path / "folder").mkdir()
    with pytest.raises(EnvironmentFault, match="Cannot write"):
        replace_file(tmp_path / "folder", [b""])
