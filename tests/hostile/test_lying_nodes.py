"""A node that lies in one of its answers, each in turn, in every way there is.

Through none of them does an audit end, show anything false as verified or anything honest as false,
or lose a record without a word.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

pytest.importorskip("verifai._native", reason="the proving core is not built")

from tests.campaign import size
from tests.hostile.audits import Scene, lying, method, scene, wrong
from tests.needs import skip_without

skip_without("eth_tester")


@pytest.fixture(scope="module")
def honest() -> Scene:
    return scene()


@pytest.mark.slow
def test_no_lie_is_believed_of_every_answer(honest: Scene) -> None:
    tried = judged(honest, every=size(5, 31))  # the figures of docs/security.md are of all of them
    assert set(tried) == {
        "eth_blockNumber",
        "eth_call",
        "eth_chainId",
        "eth_getBlockByNumber",
        "eth_getCode",
        "eth_getLogs",
        "eth_getTransactionByHash",
        "eth_getTransactionReceipt",
    }
    assert tried.total() >= 100


def judged(honest: Scene, every: int = 1) -> Counter[str]:
    """How many lies about each method were told, none of them believed."""
    tried: Counter[str] = Counter()
    bad: list[Any] = []
    for name, report in lying(honest, every):
        tried[method(name)] += 1
        bad += [(name, what) for what in wrong(honest, report)]
    assert not bad, (len(bad), bad[:10])
    return tried
