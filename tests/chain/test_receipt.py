"""Receipts travel as canonical JSON, and nothing else passes for one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from verifai.chain import Receipt
from verifai.errors import MalformedError

RECEIPT = Receipt(
    gas_used=754_340,
    transaction_hash="0x" + "ab" * 32,
    contract="0x" + "12" * 20,
    verifier="0x" + "34" * 20,
    block_number=3,
    chain_id="eip155:131277322940537",
    bundle_digest="cd" * 32,
    key_digest="ef" * 32,
    deployed_gas=5,
    evm_target_saves=0,
)


def test_round_trip(tmp_path):
    path = RECEIPT.save(tmp_path / "receipt.json")
    assert Receipt.load(path) == RECEIPT
    assert Receipt.load(path).to_bytes() == path.read_bytes()
    assert len(repr(RECEIPT)) < 120
    assert "3,000 less" in repr(replace(RECEIPT, evm_target_saves=3000))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gas_used", -1),
        ("gas_used", True),
        ("gas_used", "5"),
        ("block_number", 1 << 64),
        ("evm_target_saves", -1),
        ("transaction_hash", "ab" * 32),
        ("transaction_hash", "0x" + "zz" * 32),
        ("contract", "0x12"),
        ("verifier", None),
        ("chain_id", "1"),
        ("chain_id", "eip155:"),
        ("bundle_digest", "0x" + "cd" * 32),
        ("key_digest", 7),
    ],
)
def test_a_wrong_field_is_refused(tmp_path, name, value):
    path = replace(RECEIPT, **{name: value}).save(tmp_path / "receipt.json")
    with pytest.raises(MalformedError):
        Receipt.load(path)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(MalformedError):
        Receipt.load(tmp_path / "missing.json")
    (tmp_path / "a.json").write_bytes(RECEIPT.to_bytes() + b"\n")
    with pytest.raises(MalformedError):
        Receipt.load(tmp_path / "a.json")
    with pytest.raises(MalformedError):
        Receipt.from_json({**RECEIPT.to_json(), "extra": 1})
