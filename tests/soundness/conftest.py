"""Everything here needs the Rust core: without it the folder is skipped, with the reason."""

from __future__ import annotations

import pytest

pytest.importorskip("verifai._native", reason="the Rust core is not built", exc_type=ImportError)
