"""Everything here needs the Rust core: without it each test is skipped, with the reason."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True, scope="session")
def _core() -> None:
    pytest.importorskip("verifai._native", reason="the Rust core is not built")
