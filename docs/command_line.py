"""Writes ``reference/cli.md``: every command and argument, from the parser.

No line depends on a terminal's width or on the version of Python, as those of ``--help`` do.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from verifai.cli import main

PAGE = Path(__file__).with_name("reference") / "cli.md"


def page() -> str:
    parser = main.build_parser()
    parts = ["# Command line", "Written from the parser by `python docs/command_line.py`."]
    parts.append(_table(parser))
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                parts += [f"## verifai {name}", str(command.description), _table(command)]
    codes = (main.__doc__ or "").partition("\n\n")[2]
    return "\n\n".join([*parts, "## Exit codes", f"```text\n{codes.strip()}\n```"]) + "\n"


def _table(parser: argparse.ArgumentParser) -> str:
    rows = [("argument", "meaning"), ("---", "---")]
    formatter = main.Help(parser.prog)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            rows += [(f"`{one.dest}`", str(one.help)) for one in action._choices_actions]
        elif not isinstance(action, argparse._HelpAction):
            words = formatter._expand_help(action) if action.help else ""
            required = " (required)" if action.option_strings and action.required else ""
            rows.append((f"`{_argument(action)}`", words + required))
    lines = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join(f"| {left} | {right} |" for left, right in lines)


def _argument(action: argparse.Action) -> str:
    words = [", ".join(action.option_strings)] if action.option_strings else []
    if action.choices:
        words.append("|".join(map(str, action.choices)))
    elif action.nargs != 0:
        words.append(str(action.metavar or action.dest.upper()))
    return " ".join(words)


if __name__ == "__main__":
    PAGE.write_text(page())
