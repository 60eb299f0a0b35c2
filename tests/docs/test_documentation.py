"""Every command and code block in README and docs is run; every example too."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [page for page in PAGES if "_build" not in page.parts]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def with_python() -> list[Path]:
    return [page for page in PAGES if blocks(page, "python")]


def test_there_are_pages_with_code() -> None:
    assert {page.name for page in with_python()} >= {"README.md", "index.md", "tutorial.md"}


@pytest.mark.slow
@pytest.mark.parametrize("page", with_python(), ids=lambda page: str(page.relative_to(ROOT)))
def test_python_blocks_run_as_one_script(page: Path, tmp_path: Path) -> None:
    for package in ("torch", "ezkl", "web3"):
        pytest.importorskip(package)
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks(page, "python")))
    run(script, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.name)
def test_examples_run(example: Path, tmp_path: Path) -> None:
    words = {"torch": "torch", "sklearn": "sklearn", "ezkl": "ezkl", "web3": "verifai.chain"}
    for package, word in words.items():
        if word in example.read_text():
            pytest.importorskip(package)
    run(example, tmp_path)


def run(script: Path, folder: Path) -> None:
    """As ``python script`` in a folder, in this process: torch takes long to import."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", [str(script)])
        runpy.run_path(str(script), run_name="__main__")


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


def test_commands_named_in_the_pages_exist() -> None:
    from verifai.cli.main import COMMANDS, build_parser

    for page in PAGES:
        for command in re.findall(r"`verifai (\w+)", page.read_text()):
            assert command in COMMANDS, f"{page.name} names verifai {command}"
    assert build_parser().prog == "verifai"


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
            if target != "reference/cli.md":  # generated when the site is built
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
