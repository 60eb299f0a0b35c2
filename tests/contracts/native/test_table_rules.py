"""What `register` refuses: tables that are not whole, not within bounds, not about their key."""

from __future__ import annotations

import pytest

from tests.contracts.native.circuits import (
    claim_of,
    linked_table,
    refusal,
    register_calldata,
    table_of,
)
from tests.contracts.native.model import HEADER
from verifai.compact.program import FIRST_WORD, Op
from verifai.compact.table import HEADER_BYTES
from verifai.verifier.native.curve import Q
from verifai.verifier.native.field import P

OFFSETS = {}
_at = 96
for _name, _size in HEADER:
    OFFSETS[_name] = (_at, _size)
    _at += _size
REGIONS = _at
LINKED = REGIONS + 24


def with_field(table: bytes, name: str, value: int) -> bytes:
    at, size = OFFSETS[name]
    return table[:at] + value.to_bytes(size, "big") + table[at + size :]


def field(table: bytes, name: str) -> int:
    at, size = OFFSETS[name]
    return int.from_bytes(table[at : at + size], "big")


def operations_at(table: bytes) -> int:
    """Where the operations begin, in a table without custom tables."""
    weights = int.from_bytes(table[REGIONS + 2 : REGIONS + 4], "big")
    return HEADER_BYTES + 64 * weights + 8 * field(table, "narrow") + 32 * field(table, "wide")


@pytest.fixture(scope="module")
def table() -> bytes:
    return table_of("mlp", 1, True)


def test_a_table_is_registered_once(node):
    table = table_of("grouped", 3, True)
    circuit = node.register(table)
    assert node.registration(table) is None
    assert node.send(register_calldata(table)) < 1_000_000
    assert node.register(table) == circuit


WRONG_FIELDS = [
    ("version", 1, "version"),
    ("flags", 4, "header"),
    ("srs", 2, "header"),
    ("log_columns", 3, "header"),
    ("log_columns", 21, "header"),
    ("n", 33, "header"),
    ("nz", 0, "header"),
    ("nz", 33, "header"),
    ("nc", 33, "header"),
    ("batch", 0, "header"),
    ("widths", 1, "header"),
    ("widths", 1 << 9, "header"),
    ("position", (1 << 32) - 1, "header"),
    ("entry_helper", 1, "blocks"),
    ("entry_helper", 0, "blocks"),
    ("entry_count", (1 << 32) - 512, "blocks"),
    ("slots", 0, "blocks"),
    ("triples", 0, "blocks"),
    ("pads", 1, "blocks"),
    ("scalars", 0, "operations"),
    ("memory", 0, "operations"),
]


@pytest.mark.parametrize(("name", "value", "rule"), WRONG_FIELDS)
def test_fields_have_bounds(node, table, name, value, rule):
    assert node.registration(with_field(table, name, value)) == ("TableRefused", rule)


@pytest.mark.parametrize(
    "name",
    ["nz", "nc", "instances", "public", "plain", "word_points", "zero_points", "narrow", "wide"],
)
def test_counts_have_to_agree(node, table, name):
    """Each count decides where scalars and operations lie: no other value makes a whole table."""
    wrong = with_field(table, name, field(table, name) + 1)
    said = node.registration(wrong)
    assert said is not None
    assert said[0] == "TableRefused"


def test_the_key_is_that_of_its_parts(node, table):
    for at in (0, 31, 32, 63, 64, 95):
        wrong = bytearray(table)
        wrong[at] ^= 1
        assert node.registration(bytes(wrong)) == ("TableRefused", "key")
    assert node.registration(with_field(table, "srs", 0)) == ("TableRefused", "key")


def test_commitments_are_points(node, table):
    for point in ((1).to_bytes(32, "big") * 2, Q.to_bytes(32, "big") + bytes(32)):
        wrong = table[:HEADER_BYTES] + point + table[HEADER_BYTES + 64 :]
        assert node.registration(wrong) == ("TableRefused", "commitments")
    wrong = table[:HEADER_BYTES] + bytes(64) + table[HEADER_BYTES + 64 :]
    assert node.registration(wrong) == ("TableRefused", "key")


def linked_changed(table: bytes, tensor: int, at: int, value: int) -> bytes:
    """Two bytes in the entry of a linked tensor, counted from the end."""
    start = len(table) - 36 * tensor + at
    return table[:start] + value.to_bytes(2, "big") + table[start + 2 :]


def test_linked_tensors_lie_after_the_weights(node):
    """Rows that ascend, none empty, as many as the header says; before all other regions."""
    table = linked_table("mlp", 1)
    assert node.registration(table) is None
    assert table[LINKED] == 2
    last = int.from_bytes(table[-4:-2], "big")
    rows = int.from_bytes(table[LINKED + 1 : HEADER_BYTES], "big")
    witness = int.from_bytes(table[REGIONS + 12 : REGIONS + 14], "big")
    for wrong in (
        linked_changed(table, 2, 32, 0),
        linked_changed(table, 1, 34, 0),
        linked_changed(table, 1, 32, last - 1),
        linked_changed(table, 1, 32, witness),
        linked_changed(table, 1, 34, 9),
        table[: LINKED + 1] + (rows + 1).to_bytes(2, "big") + table[HEADER_BYTES:],
        table[:LINKED] + b"\1" + table[LINKED + 1 :],
    ):
        assert node.registration(wrong) == ("TableRefused", "rows")
    for count in (bytes(1), b"\xff"):
        said = node.registration(table[:LINKED] + count + table[LINKED + 1 :])
        assert said is not None
        assert said[1] in ("rows", "length")
    shortened = table[:LINKED] + bytes(3) + table[HEADER_BYTES:]
    assert node.registration(shortened) == ("TableRefused", "length")


def test_linked_tensors_need_hiding(node):
    table = table_of("max_pool", 1, False)
    entry = bytes(32) + (0).to_bytes(2, "big") + (1).to_bytes(2, "big")
    wrong = table[:LINKED] + b"\1\0\1" + table[HEADER_BYTES:] + entry
    assert node.registration(wrong) == ("TableRefused", "header")


@pytest.mark.parametrize("region", range(6))
def test_rows_ascend(node, table, region):
    at = REGIONS + 4 * region
    start, count = (int.from_bytes(table[i : i + 2], "big") for i in (at, at + 2))
    grown = table[: at + 2] + (count + 9).to_bytes(2, "big") + table[at + 4 :]
    assert node.registration(grown)[1] in ("rows", "length", "commitments")
    if count and region:
        moved = table[:at] + (0).to_bytes(2, "big") + table[at + 2 :]
        assert node.registration(moved) == ("TableRefused", "rows"), start


def test_a_table_is_whole(node, table):
    for wrong in (b"", table[:100], table[:-1], table + b"\0"):
        said = node.registration(wrong)
        assert said is not None
        assert said[0] == "TableRefused"
    assert node.registration(table + bytes(25_000)) == ("TableRefused", "length")


def test_a_wide_constant_is_canonical(node, table):
    at = operations_at(table)
    wrong = with_field(table, "wide", 1)
    wrong = wrong[:at] + P.to_bytes(32, "big") + wrong[at:]
    assert node.registration(wrong) == ("TableRefused", "constants")


SLOT = FIRST_WORD.to_bytes(2, "big")
HIGH = (0xFFFF).to_bytes(2, "big")
LOW = (FIRST_WORD - 1).to_bytes(2, "big")
FAR = (0xFFFFFF).to_bytes(3, "big")
NEAR = bytes(3)
ONE = (1).to_bytes(3, "big")

BAD_OPERATIONS = {
    "unknown": bytes([99]),
    "a pair of what is not there": bytes([Op.PAIRS, 0, 1]) + SLOT + HIGH,
    "a pair of the header": bytes([Op.PAIRS, 0, 1]) + LOW + SLOT,
    "an empty product": bytes([Op.PRODUCT, 0]),
    "a product of what is not there": bytes([Op.PRODUCT, 1]) + HIGH,
    "a point of what is not there": bytes([Op.POINT, 1]) + LOW,
    "a prefix beyond its bits": bytes([Op.PREFIX, 2, 0, 0]) + SLOT + (5).to_bytes(4, "big"),
    "an empty prefix": bytes([Op.PREFIX, 2, 0, 0]) + SLOT + bytes(4),
    "a prefix of too many bits": bytes([Op.PREFIX, 33, 0, 0]) + SLOT + (5).to_bytes(4, "big"),
    "a prefix of a point that ends": bytes([Op.PREFIX, 2]) + SLOT + HIGH + (3).to_bytes(4, "big"),
    "a range that ends first": bytes([Op.BETWEEN, 2, 0, 0])
    + SLOT
    + bytes([0, 0, 0, 2, 0, 0, 0, 2]),
    "an eq beyond its bits": bytes([Op.EQ_AT, 2]) + SLOT + (4).to_bytes(4, "big"),
    "a run of nothing": bytes([Op.EQ_SLOTS]) + SLOT + bytes([2, 0, 0, 0, 0, 0, 0]),
    "a run beyond its bits": bytes([Op.EQ_SLOTS]) + SLOT + bytes([2, 0, 0, 0, 3, 0, 2]),
    "an interval beyond its bits": bytes([Op.INTERVAL, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 5]) + SLOT,
    "a dot of what is not there": bytes([Op.DOT]) + NEAR + FAR + ONE,
    "a sum of what is not there": bytes([Op.TOTAL]) + FAR + ONE,
    "a bilinear form beyond": bytes([Op.BILINEAR])
    + (NEAR + b"\0\1") * 2
    + FAR
    + b"\0\1"
    + bytes(6),
    "a vector over the words": bytes([Op.EQ_RANGE]) + NEAR + SLOT + bytes([1, 0, 0, 0, 0, 0, 0, 1]),
    "a vector outside": bytes([Op.EQ_RANGE]) + FAR + SLOT + bytes([1, 0, 0, 0, 0, 0, 0, 1]),
    "a sum of vectors outside": bytes([Op.COMBINE]) + FAR + ONE + b"\1" + SLOT + NEAR,
    "a sum of no vectors": bytes([Op.COMBINE]) + NEAR + NEAR + b"\0",
    "a scatter of nothing": bytes([Op.SCATTER]) + FAR + ONE + bytes(5),
    "a contraction outside": bytes([Op.CONTRACT]) + FAR + NEAR + NEAR + ONE * 3,
    "a product of vectors outside": bytes([Op.ENTRYWISE]) + FAR + NEAR + NEAR + ONE,
    "a place outside": bytes([Op.PLACE]) + FAR + ONE + NEAR + ONE + ONE,
    "the middle of one": bytes([Op.DOT, 0]),
}


@pytest.mark.parametrize("name", BAD_OPERATIONS)
def test_operations_have_bounds(node, table, name):
    """One more operation in front of the others, whether or not it makes a scalar."""
    at = operations_at(table)
    for made in (0, 1):
        longer = with_field(table, "scalars", field(table, "scalars") + made)
        said = node.registration(longer[:at] + BAD_OPERATIONS[name] + longer[at:])
        assert said == ("TableRefused", "operations")


GOOD_OPERATIONS = {
    "a pair": (bytes([Op.PAIRS, 0, 1]) + SLOT + SLOT, 1),
    "a product": (bytes([Op.PRODUCT, 1]) + SLOT, 1),
    "a prefix": (bytes([Op.PREFIX, 2, 0, 0]) + SLOT + (3).to_bytes(4, "big"), 1),
    "a sum of nothing": (bytes([Op.TOTAL]) + NEAR + NEAR, 1),
}


@pytest.mark.parametrize("name", GOOD_OPERATIONS)
def test_operations_within_bounds_are_registered(node, table, name):
    """What the bad ones differ from: it is the bounds that refuse those."""
    operation, made = GOOD_OPERATIONS[name]
    at = operations_at(table)
    longer = with_field(table, "scalars", field(table, "scalars") + made)
    assert node.registration(longer[:at] + operation + longer[at:]) is None


#: Bytes of the fields of an operation that reads rows by ids, and values that are within bounds;
#: ``words`` and ``memory`` stand for the table's.
EQ_ROWS = {
    "to": (3, "memory - 6"), "count": (3, "2"), "lane": (1, "32"), "last": (3, "4"),
    "start": (4, "1"), "step": (3, "3"), "name": (2, str(FIRST_WORD)), "n": (1, "4"),
    "first": (3, "4 * words - 1"), "second": (3, "0"),
}  # fmt: skip
BAD_ROWS = {
    "over the words": {"to": "words - 1"},
    "beyond the memory": {"to": "memory - 5"},
    "no ids": {"count": "0"},
    "more ids than lanes": {"count": "40"},
    "lanes of 8 bits": {"lane": "8"},
    "a row beyond the point": {"last": "5"},
    "a start beyond the point": {"start": "2"},
    "no positions": {"step": "0"},
    "a point of the header": {"name": str(FIRST_WORD - 1)},
    "a point that ends": {"name": str(0xFFFF)},
    "a point of too many bits": {"n": "33"},
    "a lane beyond the words": {"first": "4 * words"},
}


def eq_rows(table: bytes, **change: str) -> bytes:
    """An operation in front of the others."""
    known = {"memory": field(table, "memory")}
    known["words"] = field(table, "input_words") + field(table, "output_words")
    body = b"".join(
        eval(change.get(name, value), known.copy()).to_bytes(size, "big")
        for name, (size, value) in EQ_ROWS.items()
    )
    at = operations_at(table)
    return table[:at] + bytes([Op.EQ_ROWS]) + body + table[at:]


def test_rows_by_ids_within_bounds_are_registered(node, table):
    assert node.registration(eq_rows(table)) is None
    assert node.registration(eq_rows(table, lane="16", first="8 * words - 1")) is None


@pytest.mark.parametrize("name", BAD_ROWS)
def test_rows_by_ids_have_bounds(node, table, name):
    assert node.registration(eq_rows(table, **BAD_ROWS[name])) == ("TableRefused", "operations")


def test_results_are_scalars(node, table):
    assert node.registration(table[:-2] + HIGH) == ("TableRefused", "operations")
    assert node.registration(table[:-2] + LOW) == ("TableRefused", "operations")


def test_a_table_says_what_it_is(node):
    from eth_abi import decode

    from verifai.evm import abi
    from verifai.proof.key import key_digest

    claim, table = claim_of("mlp", 3, False), table_of("mlp", 3, False)
    circuit = node.register(table)
    types = ("bytes32", "uint32", "uint32", "uint32", "bool", "bool", "address")
    data = node.read(abi.selector("circuitInfo(bytes32)") + circuit)
    key, batch, inputs, outputs, hiding, development, address = decode(types, data)
    assert key == key_digest(*claim.key)
    assert (batch, hiding, development) == (3, False, True)
    assert inputs
    assert inputs + outputs == len(claim.words) // 32
    assert int(address, 16)
    unknown = abi.selector("circuitInfo(bytes32)") + bytes(32)
    assert refusal(node.call(unknown)) == ("UnknownCircuit", "00" * 32)
