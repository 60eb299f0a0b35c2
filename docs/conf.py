"""Sphinx configuration. The reference pages are generated from the code at each build."""

from __future__ import annotations

import argparse
from pathlib import Path

from verifai import __version__
from verifai.cli.main import Help, build_parser

project = "verifai"
copyright = "the verifai developers"
version = release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"verifai {__version__}"
html_static_path: list[str] = []
autodoc_typehints = "description"
autodoc_member_order = "bysource"
autodoc_mock_imports: list[str] = []
exclude_patterns = ["_build"]
nitpicky = False


def _cli_page() -> str:
    parser = build_parser()
    parts = ["# Command line\n", "Generated from the parser.\n", _block(parser)]
    actions = parser._subparsers._group_actions  # type: ignore[union-attr]
    for action in actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                parts += [f"## verifai {name}\n", _block(command)]
    from verifai.cli import main

    table = (main.__doc__ or "").partition("\n\n")[2]
    parts += ["## Exit codes\n", f"```text\n{table.strip()}\n```\n"]
    return "\n".join(parts)


def _block(parser: argparse.ArgumentParser) -> str:
    # A fixed width: the page must not depend on the terminal it was built in.
    parser.formatter_class = lambda prog: Help(prog, width=96)
    return f"```text\n{parser.format_help()}```\n"


Path(__file__).with_name("reference").joinpath("cli.md").write_text(_cli_page())
