"""Every command and code block in README and docs is run; every example too."""

from __future__ import annotations

import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FunctionType

import pytest

import verifai
import verifai.market

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [page for page in PAGES if "_build" not in page.parts]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def scripts() -> dict[str, str]:
    """A script for each page with code; the reference is one, in the order of the menu."""
    reference = re.findall(r"^reference/\w+$", (ROOT / "docs" / "index.md").read_text(), re.M)
    ordered = [ROOT / "docs" / f"{name}.md" for name in reference]
    found: dict[str, str] = {}
    for page in [page for page in PAGES if page not in ordered] + ordered:
        if code := "\n".join(blocks(page, "python")):
            name = "reference" if page in ordered else str(page.relative_to(ROOT))
            found[name] = f"{found.get(name, '')}{code}\n"
    return found


def test_there_are_pages_with_code() -> None:
    assert scripts().keys() >= {"README.md", "docs/index.md", "docs/tutorial.md", "reference"}
    assert scripts()["reference"].startswith("import torch")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Runs a script in this process, where torch is loaded already, and in a folder of its own."""

    def run(script: Path) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [str(script)])
        runpy.run_path(str(script), run_name="__main__")

    return run


@pytest.mark.slow
@pytest.mark.parametrize("name", scripts())
def test_python_blocks_run_as_one_script(
    name: str, tmp_path: Path, run: Callable[[Path], None]
) -> None:
    for package in ("torch", "web3"):
        pytest.importorskip(package)
    script = tmp_path / "page.py"
    script.write_text(scripts()[name])
    run(script)


@pytest.mark.slow
@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.name)
def test_examples_run(example: Path, run: Callable[[Path], None]) -> None:
    words = {"torch": "torch", "sklearn": "sklearn", "ezkl": "ezkl", "web3": "verifai.chain"}
    for package, word in words.items():
        if word in example.read_text():
            pytest.importorskip(package)
    run(example)


def test_the_quick_start_is_two_commands_that_exist() -> None:
    commands = [
        line.split("#")[0].strip()
        for block in blocks(ROOT / "README.md", "sh")
        for line in block.splitlines()
    ]
    assert commands == ["make demo", "make test"]
    for command in commands:
        dry = subprocess.run([*command.split(), "-n"], cwd=ROOT, capture_output=True, check=False)
        assert dry.returncode == 0
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_command_lines_in_the_pages_are_understood() -> None:
    from verifai.cli.main import build_parser

    parser, found = build_parser(), 0
    for page in PAGES:
        for line in "\n".join(blocks(page, "text")).splitlines():
            if line.startswith("verifai ") and "usage" not in line:
                parser.parse_args(shlex.split(line, comments=True)[1:])
                found += 1
    assert found > 4


def test_every_public_name_is_in_the_reference_once() -> None:
    pages = "\n".join(page.read_text() for page in (ROOT / "docs" / "reference").glob("*.md"))
    named = re.findall(r"^\.\. auto(?:class|function):: ([\w.]+)$", pages, re.M)
    assert len(set(named)) == len(named)
    for room in (verifai, verifai.chain, verifai.audit, verifai.market):
        for name in room.__all__:
            value = getattr(room, name)
            if isinstance(value, (type, FunctionType)) and not issubclass(
                value if isinstance(value, type) else object, BaseException
            ):
                assert f"{room.__name__}.{name}" in named


def test_commands_named_in_the_pages_exist() -> None:
    from verifai.cli.main import COMMANDS, build_parser

    for page in PAGES:
        for command in re.findall(r"`verifai (\w+)", page.read_text()):
            assert command in COMMANDS, f"{page.name} names verifai {command}"
    assert build_parser().prog == "verifai"


def test_the_page_of_the_command_line_is_the_parsers() -> None:
    writer = runpy.run_path(str(ROOT / "docs" / "command_line.py"))
    assert writer["PAGE"].read_text() == writer["page"](), "python docs/command_line.py writes it"


def test_the_checks_in_the_documentation_are_the_verifiers() -> None:
    from verifai.verifier import CHECKS

    table = (ROOT / "docs" / "verification.md").read_text()
    found = {int(n): name for n, name in re.findall(r"^\| (\d) \| ([\w ]+?) \|", table, re.M)}
    assert {number: found[number] for number in CHECKS} == CHECKS


def test_the_transcript_in_the_protocol_is_the_verifiers() -> None:
    """Labels of section 8, in order, against the verifier's source, whose order is the proof's."""
    page = (ROOT / "docs" / "protocol.md").read_text()
    section = page.partition("\n## 8. ")[2].partition("\n## 9. ")[0]
    cells = re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE)
    named = [label for cell in cells for label in re.findall(r"`([^`]+)`", cell)]
    step = re.compile(r"\.(?:absorb|challenges?|scalars|points)\(\s*\"([^\"]+)\"")
    sources = ROOT / "verifai" / "verifier" / "native"
    found = [
        label
        for file in ("verify.py", "opening.py")
        for label in step.findall((sources / file).read_text())
    ]
    hiding = {"tail", "x", "sacrifice", "tail mask", "g", "tail row", "tail blinding"}
    assert named == [label for label in found if label not in hiding]


def test_the_constants_in_the_protocol_are_the_verifiers() -> None:
    from verifai.verifier.native.curve import H, Q
    from verifai.verifier.native.field import P
    from verifai.verifier.native.verify import DOMAIN

    page = (ROOT / "docs" / "protocol.md").read_text()
    assert H is not None
    for constant in (f"p = {P}", str(Q), f'keccak256("{DOMAIN}")', *(f"{c:#066x}" for c in H)):
        assert constant in page


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
