"""``verifai compile``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from verifai.backends.options import OPTIONS, BackendOptions
from verifai.cli.files import pairs, read_arrays, target
from verifai.cli.output import Output
from verifai.cli.shapes import add_shapes, fixed_of, shapes_of
from verifai.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL.onnx")
    add_shapes(parser)
    parser.add_argument(
        "--calibration", required=True, metavar="FILE", help="typical inputs, [N, ...], .npy/.json"
    )
    parser.add_argument(
        "--backend", default="native", choices=tuple(OPTIONS), help="the proof system"
    )
    for name in ("input", "output"):
        parser.add_argument(
            f"--{name}",
            action="append",
            metavar="WORD|NAME=WORD",
            help=f"who sees the model's {name}s: public (default), committed or private, for all "
            f"or by name; repeatable",
        )
    parser.add_argument(
        "--weights",
        default="private",
        choices=("private", "public"),
        help="with public weights anyone can make the verifying key again",
    )
    parser.add_argument(
        "--target",
        default="offline",
        choices=("offline", "evm"),
        help="where proofs are checked: evm takes the layout with the least gas on a chain",
    )
    parser.add_argument(
        "--option",
        action="append",
        metavar="NAME=VALUE",
        help="; ".join(f"of {name}: {_listed(kind)}" for name, kind in OPTIONS.items())
        + "; repeatable, a value in JSON",
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        metavar="SHARE",
        help="largest error against the float model, as a share of an output's range, and largest "
        "share of top-1 answers that differ (default: 0.01 with native, 0.02 with ezkl)",
    )
    parser.add_argument("--out", default="circuit.vfc", metavar="FILE", help="the circuit")
    parser.add_argument("--force", action="store_true", help="overwrite the output")


def run(arguments: argparse.Namespace, output: Output) -> None:
    import verifai

    path = target(arguments.out, arguments.force)
    options = _options(arguments.option)
    if arguments.tolerance is not None:
        options["tolerance"] = arguments.tolerance
    kind = OPTIONS[arguments.backend]
    if unknown := sorted(set(options) - set(_names(kind))):
        raise UsageError(
            f"The backend {kind.backend} has no option {unknown[0]!r}.",
            hint=f"It has {_listed(kind)}.",
        )
    model = verifai.load(
        arguments.model,
        shapes=shapes_of(arguments.shape),
        fixed=fixed_of(arguments.fix),
        progress=False,
    )
    for note in model.notes:
        output.say(note)
    circuit = verifai.compile(
        model,
        read_arrays(arguments.calibration),
        options=kind(**options),
        visibility=verifai.Visibility(
            _words("input", arguments.input),
            _words("output", arguments.output),
            arguments.weights,
        ),
        target=arguments.target,
    )
    circuit.save(path)
    output.say(f"{path}: {circuit!r}")
    output.say(_error(circuit.facts))
    output.result(
        {
            "path": str(path),
            "circuit": circuit.digest,
            "facts": dict(circuit.facts),
            "notes": list(model.notes),
        }
    )


def _words(role: str, given: list[str] | None) -> str | dict[str, str]:
    """One word for all, or words by name."""
    given = given or ["public"]
    if len(given) == 1 and "=" not in given[0]:
        return given[0]
    found: dict[str, str] = {}
    for each in given:
        name, equals, word = each.rpartition("=")  # a name may have an equals sign in it
        if not equals or name in found:
            raise UsageError(
                f"--{role} is one word for all or NAME=WORD once for each name, found {each!r}.",
                hint=f"--{role} private, or --{role} x=private --{role} ids=public",
            )
        found[name] = word
    return found


def _error(facts: Mapping[str, Any]) -> str:
    share = 100 * float(facts["relative_error"])
    words = f"Largest error against the float model: {share:.3g} % of an output's range"
    if facts.get("top1_agreement") is not None:
        words += f"; top-1 agreement {100 * float(facts['top1_agreement']):.2f} %"
    return f"{words}; on {facts['measured_on']}."


def _listed(kind: type[BackendOptions]) -> str:
    return ", ".join(_names(kind))


def _names(kind: type[BackendOptions]) -> list[str]:
    return [field.name for field in fields(kind) if field.init]


def _options(words: list[str] | None) -> dict[str, Any]:
    options = {}
    for name, value in pairs(words, "An option").items():
        try:
            options[name] = json.loads(value)
        except ValueError:
            why = f"Option {name!r}: {value!r} is no number, list or true/false."
            raise UsageError(why) from None
    return options
