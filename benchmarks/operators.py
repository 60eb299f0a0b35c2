"""Which operators of ONNX have a circuit, by what is registered: a table for the documentation."""

from __future__ import annotations

from typing import Final

import verifai.graph
from verifai.graph.expand import RULES
from verifai.graph.lower import OPERATORS
from verifai.graph.refusals import NO_CIRCUIT
from verifai.graph.tabular.rewrite import RULES as TABULAR
from verifai.graph.unroll import CONTROL, SEQUENCES

assert verifai.graph  # importing it registers all operators

#: What has to hold of a node for it to have a circuit, beyond what the page says of all.
PARTLY: Final = {
    "AffineGrid": "the size is constant",
    "Attention": "without lengths of padding; a soft cap and a mask from operator set 25 on",
    "BitShift": "of 31 bits to the right, by at most 30 bits to the left",
    "CausalConvWithState": "the kernel is constant",
    "CenterCropPad": "the shape is constant",
    "Clip": "the bounds are constant",
    "Col2Im": "the shapes are constant",
    "Compress": "the condition is constant",
    "Conv": "the kernel is constant",
    "ConvTranspose": "the kernel is constant",
    "CumSum": "the axis is constant",
    "DFT": "the length is constant",
    "DeformConv": "all but the data is constant",
    "Dropout": "of inference, without the mask",
    "Einsum": "a power of a letter's axis is a diagonal; more than two operands need known shapes",
    "Expand": "the shape is constant",
    "Gather": "computed indices into at most 1,024 entries",
    "GatherElements": "computed indices into at most 1,024 entries",
    "GatherND": "computed indices into at most 1,024 entries",
    "GRU": "the lengths of sequences are constant",
    "GridSample": "the grid is constant",
    "LSTM": "the lengths of sequences are constant",
    "MaxPool": "without the indices of the maxima",
    "MaxUnpool": "the indices are constant",
    "OneHot": "the depth is constant",
    "PRelu": "the slope is constant",
    "Pad": "the pads are constant",
    "Pow": "the base or the exponents are constant",
    "RNN": "the lengths of sequences are constant",
    "Range": "of constants",
    "ReduceProd": "of at most 64 factors",
    "Reshape": "the shape is constant",
    "Resize": "the sizes are constant",
    "ReverseSequence": "the lengths are constant",
    "RoiAlign": "means, of constant regions",
    "STFT": "all but the signal is constant",
    "Scatter": "the indices are constant",
    "ScatterElements": "the indices are constant",
    "ScatterND": "the indices are constant",
    "Slice": "the places are constant",
    "TensorScatter": "the places are constant",
    "Tile": "the repeats are constant",
    "TopK": "k is constant",
    "Trilu": "the diagonal is constant",
    "Upsample": "the scales are constant",
    **dict.fromkeys(
        ("ReduceL2", "ReduceLogSum", "ReduceLogSumExp"),
        "of integers: in fixed point, truncated, and no more exact than that",
    ),
}
#: The same of ``ai.onnx.ml``.
TABULAR_PARTLY: Final = {
    "ArrayFeatureExtractor": "the places are constant",
    "Imputer": "the value that is replaced is a number: no input holds NaN",
    "LabelEncoder": "from numbers to numbers",
    "OneHotEncoder": "categories are integers",
    "ZipMap": "left out: the tensor that it names the columns of is the output",
}
#: Operators of constants alone, which are folded.
FOLDED: Final = frozenset(
    ("BlackmanWindow", "Constant", "ConstantOfShape", "HammingWindow", "HannWindow", "Range")
)
#: Titles of the domains.
DOMAINS: Final = {"": "ai.onnx", "ai.onnx.ml": "ai.onnx.ml"}


def status(name: str, domain: str = "") -> tuple[str, str]:
    """``yes``, ``partly`` or ``no``, and why."""
    if domain == "ai.onnx.ml":
        return _tabular(name)
    if domain == "" and name in CONTROL | SEQUENCES:
        loop = "the trip count and the condition follow from constants and shapes"
        return (
            "partly",
            loop if name in CONTROL else "lengths and places follow from constants and shapes",
        )
    if domain == "" and name in NO_CIRCUIT and name not in OPERATORS and name not in RULES:
        return "no", NO_CIRCUIT[name][0]
    if name in PARTLY:
        return "partly", PARTLY[name]
    if name in OPERATORS or name in RULES or name in FOLDED or (domain == "" and _body(name)):
        return "yes", ""
    return "no", "no rule"


def _tabular(name: str) -> tuple[str, str]:
    """As :func:`status`, of ``ai.onnx.ml``."""
    if name in TABULAR_PARTLY:
        return "partly", TABULAR_PARTLY[name]
    if name in TABULAR:
        return "yes", ""
    return "no", "maps, dictionaries and strings have no circuit: give the model its tensors"


def _body(name: str) -> bool:
    """Whether ONNX writes the operator out in others."""
    import onnx

    schema = onnx.defs.get_schema(name)
    return bool(schema.has_function or schema.has_context_dependent_function)


def names(domain: str) -> list[str]:
    """The operators of a domain."""
    import onnx

    return sorted(
        {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == domain}
    )


def table() -> str:
    """The page of operators, in Markdown."""
    lines = [
        "# Operators",
        "",
        "What of ONNX has a circuit in the native backend. Constants are folded, whatever they are",
        "computed by. Refused of every operator: what neither onnxruntime nor ONNX's own",
        "implementation runs, results that are constants, floats that 16 bits do not hold, and",
        "integers that 32 bits do not hold.",
        "",
        "`python -m benchmarks.coverage --table` writes this page, and",
        "`python -m benchmarks.coverage` runs ONNX's own node tests.",
    ]
    for domain, title in DOMAINS.items():
        lines += ["", f"## {title}", "", "| operator | circuit | why |", "|---|---|---|"]
        for name in names(domain):
            verdict, why = status(name, domain)
            lines.append(f"| `{name}` | {verdict} | {why} |")
    return "\n".join(lines) + "\n"
