"""The page: safe against what strangers write, and readable in a real browser."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from verifai.audit.html import MAX_SHOWN, render, text
from verifai.audit.report import Entry, Report
from verifai.proof import Guarantees, Statement, TensorClaim, TensorSpec
from verifai.verifier import CheckResult

D = "cd" * 32
EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(2)>\x1b[31m\u202egnp.exe'


def entry(verdict: str, name: str = "input") -> Entry:
    pixels = tuple(np.arange(64).tolist())
    statement = Statement(
        D,
        D,
        D,
        "private",
        (TensorClaim(TensorSpec(name, (1, 1, 8, 8), 6, "public"), integers=pixels),),
        (TensorClaim(TensorSpec("scores", (1, 3), 2, "public"), integers=(-8, 12, 3)),),
        Guarantees("ezkl", "23.0.5", True, "development", D),
    )
    result = {"verified": True, "policy": True, "unchecked": None, "false": False}[verdict]
    checks = (CheckResult("A1", "calldata", True), CheckResult(7, "proof", result, "as it is"))
    record = {"publisher": "0xabc", "gas_used": 600_000, "block_time": 1_700_000_000}
    return Entry(verdict, "" if verdict == "verified" else name, checks, record, statement)


def report(*entries: Entry) -> Report:
    return Report({"chain_id": "eip155:1", "node": "embedded"}, None, entries, (), 0, "0.1.0")


class Page(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_markup_from_outside_stays_text() -> None:
    page = Page(render(report(entry("false", EVIL))))
    assert not {"script", "img", "iframe", "object", "link"} & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
        assert not {"src", "href", "action"} & set(attributes)
    words = " ".join(page.words)
    assert "<script>alert(1)</script>" in words
    assert "\\u001b[31m\\u202egnp.exe" in words


def test_the_page_forbids_scripts_and_loads_nothing() -> None:
    page = Page(render(report(entry("verified"))))
    policies = [a["content"] for t, a in page.tags if a.get("http-equiv")]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_long_text_is_cut_with_a_mark() -> None:
    shown = text("a" * 10_000_000)
    assert len(shown) < MAX_SHOWN + 40
    assert "10000000 characters" in shown


@pytest.mark.parametrize(
    ("verdicts", "first"),
    [
        (["verified", "verified"], "Verified"),
        (["verified", "policy"], "Against policy"),
        (["policy", "unchecked", "verified"], "Not checked"),
        (["verified", "unchecked", "false"], "False"),
    ],
)
def test_the_first_line_states_the_worst(verdicts: list[str], first: str) -> None:
    page = Page(render(report(*map(entry, verdicts))))
    title = page.words[page.words.index("verifai audit: " + first)]
    assert title.endswith(first)


def test_an_image_input_and_small_outputs_are_drawn() -> None:
    page = Page(render(report(entry("verified"))))
    classes = [attributes.get("class") for tag, attributes in page.tags if tag in ("svg", "rect")]
    assert classes.count("pixels") == 1
    assert classes.count("best") == 1
    hidden = entry("verified")
    assert hidden.statement
    claim = hidden.statement.inputs[0]
    private = TensorClaim(replace(claim.spec, visibility="private"))
    statement = replace(hidden.statement, inputs=(private,))
    assert 'class="pixels"' not in render(report(replace(hidden, statement=statement)))


def test_an_empty_report_says_so() -> None:
    assert "Nothing published" in render(report())


@pytest.mark.slow
def test_it_opens_in_a_browser(tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("chromium is not installed")
    verdicts = ["verified", "policy", "unchecked", "false"]
    _, page = report(*map(entry, verdicts)).save(tmp_path / "report")
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-sync",
        "--disable-background-networking",
        "--disable-component-update",
    ]

    def run(*more: str) -> str:
        command = [browser, *flags, f"--user-data-dir={tmp_path / 'profile'}", *more]
        done = subprocess.run(
            [*command, page.as_uri()], capture_output=True, text=True, timeout=120, check=True
        )
        return done.stdout

    dom = Page(run("--dump-dom"))
    words = " ".join(dom.words)
    for phrase in ("4 published proofs", "1 FALSE", "What was proved", "Proof 4", "✕ failed"):
        assert phrase in words
    picture = tmp_path / "page.png"
    run("--window-size=1280,1600", f"--screenshot={picture}")
    data = picture.read_bytes()
    assert data.startswith(b"\x89PNG")
    assert len(data) > 20_000  # a blank page of this size has 6 kB
