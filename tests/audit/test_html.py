"""The page: safe against what strangers write, and readable in a real browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.audit.memory import MemoryChain, make_key, make_proof, publish
from verifai.audit import Policy, Report, charts, html, run
from verifai.audit.html import render
from verifai.errors import NetworkError
from verifai.printable import MAX_SHOWN, visible
from verifai.proof import Proof, TensorClaim, TensorSpec
from verifai.proof.reference_string import CEREMONIES, g2_bytes, srs_id

pytestmark = pytest.mark.usefixtures("system_for_tests")

EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(2)>\x1b[31m\u202egnp.exe'
KEY, OTHER = make_key(), make_key(model="1f" * 32, srs="development", hiding=False)


def mixed() -> Report:
    """One proof of each verdict: verified, policy, false, unchecked."""
    lie = Proof.of(make_proof(KEY).statement, bytes(32))
    records = [
        publish(make_proof(KEY)),
        publish(make_proof(OTHER), gas_used=598_112),
        publish(lie),
        publish(make_proof(KEY), key_digest="ab" * 32),
    ]
    return run(MemoryChain(records), Policy(zero_knowledge=True), keys=[KEY, OTHER])


def test_the_ceremony_is_named() -> None:
    """In the page and in report.json, by the digest of its tau H2."""
    string = srs_id(g2_bytes(*CEREMONIES["ppot"].tau_g2))
    key = replace(KEY, guarantees=replace(KEY.guarantees, srs_id=string))
    report = run(MemoryChain([publish(make_proof(key))]), keys=[key])
    assert "ceremony ppot (Perpetual Powers of Tau" in Page(render(report)).text
    (entry,) = report.to_json()["entries"]
    assert entry["statement"]["guarantees"]["ceremony"] == "ppot"


class Page(HTMLParser):
    """Tags and text of a page; text in ``style`` is not text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._words: list[str] = []
        self._within = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._within = tag

    def handle_data(self, data: str) -> None:
        if self._within != "style":
            self._words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self._words))

    def classes(self) -> list[str]:
        return [name for _, attrs in self.tags for name in (attrs.get("class") or "").split()]


def assert_harmless(page: Page) -> None:
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "img", "iframe", "object", "embed", "link", "base", "form"}
    for _, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
        assert not {"src", "action", "srcset", "style", "xlink:href"} & set(attributes)
        assert (attributes.get("href") or "#").startswith("#")


def test_markup_from_outside_stays_text() -> None:
    key = make_key(name=EVIL)
    proof = make_proof(key, context={EVIL[:60]: EVIL})
    record = publish(
        proof,
        publisher=EVIL,
        verifier=EVIL,
        transaction_hash=EVIL,
        gas_used=EVIL,  # a node may answer anything
    )
    chain = MemoryChain(
        [record, publish(proof, call=None, problem=EVIL)],
        fails={"published": NetworkError(EVIL)},
        dies_after=2,
    )
    chain.describe = lambda: {EVIL: EVIL}  # type: ignore[method-assign]
    text = render(run(chain, keys=[key]))
    page = Page(text)
    assert_harmless(page)
    assert "<script>alert(1)</script>" in page.text
    assert "\\u001b[31m\\u202egnp.exe" in page.text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def test_the_page_forbids_scripts_and_loads_nothing() -> None:
    page = Page(render(mixed()))
    assert_harmless(page)
    policies = [a["content"] for _, a in page.tags if a.get("http-equiv")]
    assert policies == [
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    ]
    assert "url(" not in render(mixed())
    assert "@import" not in render(mixed())


def test_a_record_shows_what_it_has() -> None:
    """A native record names its key, and neither statement nor bundle."""
    record = publish(make_proof(KEY), key_digest="ab" * 32, bundle_digest="", statement_digest="")
    unknown = run(MemoryChain([record]), keys=[])
    assert unknown.entries[0].record["key_digest"] == "ab" * 32
    page = Page(render(unknown)).text
    assert f"Verifying key {'ab' * 32}" in page
    for label in ("Statement", "Bundle"):
        assert label not in page
    record = publish(make_proof(KEY), bundle_digest="", statement_digest="")
    report = run(MemoryChain([record]), keys=[KEY])
    assert report.verdict == "verified"
    page = Page(render(report)).text
    for label in (f"Verifying key {KEY.digest}", "Bundle"):
        assert label in page


def test_long_and_unprintable_text_is_cut_and_shown() -> None:
    shown = visible("a" * 10_000_000)
    assert len(shown) < MAX_SHOWN + 40
    assert "10000000 characters" in shown
    for hidden in "\u200b\u2066\ufeff\u2028\ud800\U000e0041\x85\xad":
        assert visible(hidden).isprintable()
        assert visible(hidden).startswith("\\u")


def test_a_long_name_does_not_hide_the_end_of_a_sentence() -> None:
    key = make_key(name="x" * 1000)
    page = Page(render(run(MemoryChain([publish(make_proof(key))]), keys=[key])))
    assert "(1000 characters)' (1x1x12x12) is public and part of this statement." in page.text


def test_each_verdict_is_said_in_words_and_the_worst_comes_first() -> None:
    page = Page(render(mixed()))
    words = [
        "verifai audit ✕ False 1 of 4 published proofs is FALSE; 1 of 4 could not be checked; "
        "1 of 4 is valid but against the policy; 1 of 4 is verified.",
        "What was proved",
        "What was claimed, not proved",
        "What was claimed could not be read.",
        "Check 7 (proof): the system for tests refuses it",
        "It is not zero-knowledge",
        "Development reference string: whoever made it could forge this proof",
        "is not in the key store",
        "598,112",
        "verifai audit --chain http://127.0.0.1:8545 --policy FILE --out FOLDER",
    ]
    for expected in words:
        assert re.sub(r"\s+", " ", expected) in page.text, expected
    for name in ("verified", "policy", "unchecked", "false"):
        assert page.classes().count("entry") == 4
        assert ("section", f"entry {name}") in [(tag, a.get("class")) for tag, a in page.tags]


def test_a_dead_node_is_in_the_first_line() -> None:
    gone = NetworkError("The node stopped answering.")
    chain = MemoryChain([publish(make_proof(KEY))] * 2, {"published": gone}, dies_after=1)
    page = Page(render(run(chain, keys=[KEY])))
    first = page.text.index("The history could not be read as a whole")
    assert "? Not checked " in page.text[:first]
    assert "published proof" not in page.text[:first]


def test_inputs_and_outputs_are_drawn() -> None:
    page = Page(render(run(MemoryChain([publish(make_proof(KEY))]), keys=[KEY])))
    assert page.classes().count("pixels") == 1
    assert page.classes().count("best") == 1
    assert "7.125 largest" in page.text


def claim(shape: tuple[int, ...], integers: tuple[int, ...]) -> TensorClaim:
    return TensorClaim(TensorSpec("t", shape, 0, "public"), integers=integers)


def test_only_images_are_drawn_as_images() -> None:
    private = TensorClaim(TensorSpec("t", (8, 8), 0, "private"))
    for other in (private, claim((2, 8), (0,) * 16), claim((3, 3), (0,) * 9), claim((), (1,))):
        assert charts.images(other) == ""
    assert charts.images(claim((3, 8, 8), tuple(range(192)))).count("<svg") == 3
    assert charts.images(claim((9, 4, 4), (0,) * 144)) == ""  # more than MAX_PLANES
    flat = charts.images(claim((64, 64), (7,) * 4096))
    assert flat.count("<path") == 1


def test_outputs_of_every_size() -> None:
    assert charts.outputs(claim((1,), (5,))) == ""
    many = charts.outputs(claim((1, 1000), tuple(range(1000))))
    assert "the 12 largest of 1,000 values" in many
    assert ">999</span>" in many
    batch = charts.outputs(claim((9, 3), tuple(range(27))))
    assert batch.count("largest</span>") == charts.MAX_ROWS
    assert "the first 4 of 9 rows" in batch
    huge = charts.outputs(claim((2,), (-(1 << 126), 1 << 126)))
    assert "nan" not in huge
    assert "inf" not in huge


def test_a_long_history_keeps_the_worst_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "MAX_SECTIONS", 2)
    report = mixed()
    report = replace(report, entries=report.entries[:1] * 5 + report.entries)
    page = Page(render(report))
    shown = [a.get("id") for tag, a in page.tags if tag == "section" and a.get("id")]
    assert shown == ["proof-8", "proof-9"]
    assert "7 more, none of them worse, are in report.json" in page.text


def test_an_empty_report_says_so() -> None:
    assert "Nothing is published." in Page(render(run(MemoryChain([]), keys=[]))).text


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 400])
def test_it_opens_in_a_browser(tmp_path: Path, width: int) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("chromium is not installed")
    _, file = mixed().save(tmp_path / "report")
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-sync",
        "--disable-background-networking",
        "--disable-component-update",
        f"--window-size={width},1600",
    ]

    def open_page(*more: str) -> str:
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        done = subprocess.run(
            [browser, *flags, profile, *more, file.as_uri()],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return done.stdout

    page = Page(open_page("--dump-dom"))
    for phrase in ("1 of 4 published proofs is FALSE", "What was proved", "Proof 4", "failed"):
        assert phrase in page.text
    assert_harmless(page)
    picture = tmp_path / "page.png"
    open_page(f"--screenshot={picture}")
    data = picture.read_bytes()
    assert data.startswith(b"\x89PNG")
    assert len(data) > 40_000  # a blank page of this size has 6 kB
