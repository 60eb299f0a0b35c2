"""Addresses that ``verifai srs fetch`` goes to, and those that it does not."""

from __future__ import annotations

import pytest

from tests.hostile.ceremonies import NO_ADDRESS
from verifai.circuit.address import is_address
from verifai.circuit.ceremony import fetch
from verifai.errors import UsageError


@pytest.mark.parametrize(
    "url",
    [*NO_ADDRESS, "file:///etc/hostname", "made.ptau", " ", "https://ä"],
    ids=lambda url: url[:24],
)
def test_only_web_addresses(url: str) -> None:
    with pytest.raises(UsageError, match="Not an address") as caught:
        fetch("ppot", 8, url=url)
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    "url",
    ["http://[::1]:80/x", "https://a-b.c_d.example.:443/x?y#z", "http://127.0.0.1", "http://h:1/["],
)
def test_web_addresses(url: str) -> None:
    assert is_address(url)
