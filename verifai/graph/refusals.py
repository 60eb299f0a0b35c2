"""Operators of ONNX that have no circuit: why, and what to do instead."""

from __future__ import annotations

from typing import Final

#: Operators without one value: folding them would prove a value of our choice.
RANDOM: Final = (
    "Bernoulli",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
)
_STRINGS: Final = ("RegexFullMatch", "StringConcat", "StringNormalizer", "StringSplit")
_SEQUENCES: Final = (
    "ConcatFromSequence",
    "Optional",
    "OptionalGetElement",
    "OptionalHasElement",
    "SequenceAt",
    "SequenceConstruct",
    "SequenceEmpty",
    "SequenceErase",
    "SequenceInsert",
    "SequenceLength",
    "SequenceMap",
    "SplitToSequence",
)
_SHAPES: Final = ("NonMaxSuppression", "NonZero", "Unique")
_LOOPS: Final = ("If", "Loop", "Scan")

#: Reason and advice by operator.
NO_CIRCUIT: Final[dict[str, tuple[str, str]]] = {
    **dict.fromkeys(
        RANDOM,
        ("its values are random", "Give the random numbers to the model as an input."),
    ),
    **dict.fromkeys(
        _STRINGS,
        ("a circuit has no strings", "Give the model numbers: look strings up before."),
    ),
    **dict.fromkeys(
        _SEQUENCES,
        (
            "a circuit has tensors only, no sequences and no optional values",
            "Use Concat, Split and Slice.",
        ),
    ),
    **dict.fromkeys(
        _SHAPES,
        (
            "the shape of its result depends on the input",
            "Keep all elements, and hide some with Where and a mask; or cut the model before it.",
        ),
    ),
    **dict.fromkeys(
        _LOOPS,
        (
            "a graph within the graph that depends on the input",
            "Export the model with constant trip counts and conditions.",
        ),
    ),
    "BitCast": (
        "the bits of a float, which fixed point does not have",
        "Use Cast, which keeps the value.",
    ),
    "CumProd": ("a product of as many factors as places", "Use CumSum of logarithms."),
    "LinearAttention": (
        "a state that every step multiplies and that no circuit writes out yet",
        "Use Attention, or export the layer as the products that it consists of.",
    ),
    "Det": ("an elimination that depends on the input", "Compute the determinant outside."),
    "ImageDecoder": ("a file format", "Give the model the decoded image."),
    "MaxRoiPool": ("a maximum over regions", "Use MaxPool, or RoiAlign of constant regions."),
    "TfIdfVectorizer": ("counts of words", "Give the model the counts."),
}
