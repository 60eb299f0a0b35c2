"""``verifai srs``: reference strings of public ceremonies in the data folder."""

from __future__ import annotations

import argparse

from verifai.cli.output import Output
from verifai.errors import UsageError
from verifai.limits import MAX_POINTS_LOG2
from verifai.proof.reference_string import CEREMONIES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("fetch",), help="bring it into the data folder, once")
    parser.add_argument(
        "ceremony",
        choices=tuple(CEREMONIES),
        help="; ".join(f"{name}: {ceremony.title}" for name, ceremony in CEREMONIES.items()),
    )
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--circuit", metavar="CIRCUIT", help="as many powers as this circuit needs")
    size.add_argument(
        "--log2", type=int, metavar="K", help=f"2^K powers, K up to {int(MAX_POINTS_LOG2)}"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--from", dest="url", metavar="URL", help="a mirror of the ceremony's file")
    where.add_argument(
        "--file", metavar="PATH", help="the ceremony's file, brought by other means: no network"
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep the downloaded file beside what is cut from it"
    )


def run(arguments: argparse.Namespace, output: Output) -> None:
    from verifai.circuit.ceremony import fetch
    from verifai.progress import reporting

    log2 = _log2(arguments.circuit) if arguments.circuit else arguments.log2
    with reporting("srs fetch") as report:
        srs = fetch(
            arguments.ceremony,
            log2,
            url=arguments.url,
            file=arguments.file,
            keep=arguments.keep,
            progress=report,
        )
    output.say(f"{CEREMONIES[arguments.ceremony].title}: {1 << srs.log2:,} powers of tau, checked.")
    output.say(f"verifai setup CIRCUIT --srs {arguments.ceremony}")
    output.result({"ceremony": arguments.ceremony, "log2": srs.log2, "srs_id": srs.id})


def _log2(path: str) -> int:
    """log2 of the powers that a circuit needs."""
    from verifai.circuit import Circuit

    circuit = Circuit.load(path)
    if circuit.backend != "native":
        raise UsageError(
            f"{path} is a circuit of backend {circuit.backend!r}, which reads halo2 .srs files.",
            hint="verifai setup CIRCUIT --srs FILE",
        )
    return int(circuit.restored.lowered.operations.log_columns)
