"""Remembered addresses are hints, shared between processes, never trusted."""

from __future__ import annotations

import pytest

from verifai.chain.deployments import Deployments
from verifai.errors import MalformedError


def test_chains_are_kept_apart(tmp_path):
    path = tmp_path / "deployments.json"
    one, two = Deployments("eip155:1/0xaa", path), Deployments("eip155:1/0xbb", path)
    one.add("0x11", "A")
    two.add("0x11", "B")
    one.add("0x11", "C")
    one.add("0x11", "A")
    assert Deployments("eip155:1/0xaa", path).at("0x11") == ("A", "C")
    assert Deployments("eip155:1/0xbb", path).at("0x11") == ("B",)
    assert Deployments("eip155:1/0xcc", path).at("0x11") == ()


def test_in_memory(tmp_path):
    here = Deployments("embedded", None)
    here.add("0x11", "A")
    assert here.at("0x11") == ("A",)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"zebra", b"[]", b'{"a": 1}', b""])
def test_a_damaged_file_is_said(tmp_path, content):
    path = tmp_path / "deployments.json"
    path.write_bytes(content)
    with pytest.raises(MalformedError, match="Delete it"):
        Deployments("eip155:1/0xaa", path)
