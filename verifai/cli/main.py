"""Parsing, dispatch, and the mapping from errors to exit codes.

====  =====================================================
code  meaning
====  =====================================================
0     done; everything demanded was verified
1     checked, and the claim is false
2     wrong usage
3     malformed input, or over a limit
4     valid, but not what the policy demands
5     unsupported operator, option or version
6     this machine lacks something
7     network or chain: could not check
8     internal error: a bug
130   interrupted; 143 by SIGTERM, 129 by SIGHUP
====  =====================================================
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final, NoReturn

from verifai.cli.output import Output
from verifai.cli.stop import exit_code, stoppable
from verifai.errors import FileAccessError, InternalError, UsageError, VerifaiError

#: What each command does; its module, of the same name, is loaded when it is asked for.
COMMANDS: Final = {
    "demo": "train, prove, publish and audit a digit classifier on this machine",
    "doctor": "show what this machine can do and what is missing",
    "export": "export a torch module to ONNX",
    "compile": "compile an ONNX model into a circuit",
    "srs": "fetch a public ceremony's reference string, for proofs that count",
    "setup": "make the proving and verifying key of a circuit",
    "prove": "prove one inference, or a batch in one proof",
    "verify": "check a proof bundle against a verifying key, offline",
    "open": "check the values of a committed tensor that its owner shows you",
    "model": "compare a verifying key with an ONNX model or with a circuit that you compiled",
    "publish": "check a proof on chain and record it",
    "watch": "follow what is published, through reorganisations; with --json an object per event",
    "audit": "re-check everything that was published, and write a report",
}


class Help(argparse.ArgumentDefaultsHelpFormatter):
    """Help that shows each option's default, if it has one."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        absent = action.default is None or action.default is False
        return action.help if absent else super()._get_help_string(action)


class _Parser(argparse.ArgumentParser):
    """argparse that raises our error, so that ``--json`` holds for usage errors too, and that
    takes no ``--jso`` for it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False, formatter_class=Help)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:  # said by the command's parser, which names its own help
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"{self.prog} --help")


def build_parser(words: Sequence[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """The command line, with the arguments of the commands that are among ``words``: all by
    default, from which the reference page is generated.
    """
    parser = _Parser(
        prog="verifai",
        description="Prove machine-learning results, and check them trusting nobody.",
        epilog="Exit codes: 0 ok, 1 the claim is false, 2 usage, 3 malformed input, 4 policy, "
        "5 unsupported, 6 environment, 7 network, 8 internal error, 130 interrupted.",
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, does in COMMANDS.items():
        command = commands.add_parser(name, help=does, description=does[0].upper() + does[1:] + ".")
        command.add_argument("--json", action="store_true", help="print one JSON object")
        if name in words:
            import_module(f"verifai.cli.{name}").add_arguments(command)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    output = Output(as_json="--json" in words)
    try:
        with stoppable():
            return _written(_dispatch(build_parser(words).parse_args(words), output), output)
    except VerifaiError as error:
        output.failure(error)
        return error.exit_code
    except KeyboardInterrupt as stopped:
        output.warn("interrupted")
        return exit_code(stopped)
    except OSError as error:
        fault = FileAccessError(f"{error.strerror or error}: {error.filename or 'the system'}.")
        output.failure(fault)
        return fault.exit_code
    except Exception as error:
        if os.environ.get("VERIFAI_TRACEBACK"):
            output.warn(traceback.format_exc().rstrip())
        bug = InternalError(
            f"{type(error).__name__}: {error}",
            hint="This is a bug: please report it with the output of VERIFAI_TRACEBACK=1.",
        )
        output.failure(bug)
        return bug.exit_code


def _dispatch(arguments: argparse.Namespace, output: Output) -> int:
    if arguments.version:
        from verifai import __version__

        output.write(__version__)
        return 0
    if arguments.command is None:
        output.write(build_parser(()).format_help().rstrip())
        return 2
    module: Any = import_module(f"verifai.cli.{arguments.command}")
    code = module.run(arguments, output)
    return int(code or 0)


def _written(code: int, output: Output) -> int:
    """``code``, unless the command did well and its words were lost: 1 would call a claim false.

    A reader that goes away (``| head``) has what it wanted.
    """
    if code or output.lost is None or isinstance(output.lost, BrokenPipeError):
        return code
    fault = FileAccessError(
        f"The command is done, but its output could not be written: {output.lost.strerror}."
    )
    Output().failure(fault)
    return fault.exit_code
