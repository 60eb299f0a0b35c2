"""Every bound on data that a stranger may hand in, by name and with its reason.

A limit that is exceeded raises :class:`verifai.errors.LimitError` naming the constant.
"""

from __future__ import annotations

from typing import Final

MIB: Final = 1 << 20
GIB: Final = 1 << 30


class Bound(int):
    """A bound that says its name wherever it is shown."""

    def __new__(cls, name: str, value: int) -> Bound:
        bound = super().__new__(cls, value)
        bound._name = name
        return bound

    _name: str

    def __str__(self) -> str:
        return f"{self._name} ({int(self)})"


#: Proof bundles travel through queues and calldata; ezkl's largest measured proof is 9 kB.
MAX_PROOF_BYTES: Final = Bound("MAX_PROOF_BYTES", 64 * MIB)
#: Verifying keys hold a circuit's fixed commitments: 60 kB to 8 MB measured.
MAX_VERIFYING_KEY_BYTES: Final = Bound("MAX_VERIFYING_KEY_BYTES", 256 * MIB)
#: Proving keys and circuits are local files of their owner; this bounds a corrupt length field.
MAX_ARTEFACT_BYTES: Final = Bound("MAX_ARTEFACT_BYTES", 64 * GIB)
#: JSON header of an artefact, parsed before anything else is known about the file.
MAX_HEADER_BYTES: Final = 16 * MIB
#: Sections in one artefact; ours have at most six.
MAX_SECTIONS: Final = 16
#: Nesting of JSON; our schemas need six levels.
MAX_JSON_DEPTH: Final = 16

#: protobuf itself stops at 2 GiB.
MAX_ONNX_BYTES: Final = Bound("MAX_ONNX_BYTES", 2 * GIB - 1)
#: External weight files of one model, together: they become part of its one file.
MAX_EXTERNAL_DATA_BYTES: Final = MAX_ONNX_BYTES
#: What the nodes of a model's local functions take, written out at every call.
MAX_INLINED_BYTES: Final = 256 * MIB
#: Calls of local functions inside each other; exporters of torch need four.
MAX_CALL_DEPTH: Final = 64
#: Elements of sparse weights of one model, made dense, together.
MAX_DENSE_ELEMENTS: Final = 1 << 26
#: Nodes of a graph, functions expanded.
MAX_NODES: Final = 100_000
#: Elements of one tensor (initializer, input, output or intermediate with a known shape).
MAX_TENSOR_ELEMENTS: Final = 1 << 31
#: Elements of one tensor that a model computes, where its shape is known before it is run; a
#: circuit's tensors have at most 2^24.
MAX_COMPUTED_ELEMENTS: Final = 1 << 26
#: Seconds that a model may run on zeros, where nothing else tells the shapes of its outputs.
MAX_RUN_SECONDS: Final = 30.0
#: Axes of one tensor.
MAX_RANK: Final = 12
#: Nesting of subgraphs (If, Loop, Scan bodies).
MAX_SUBGRAPH_DEPTH: Final = 8
#: Length of any name in a model; names are shown in errors and reports.
MAX_NAME_LENGTH: Final = 1024
#: Public values of one statement; ezkl pays one field element for each.
MAX_PUBLIC_VALUES: Final = 1 << 22
#: Largest magnitude of an integer in a statement; a backend may be narrower.
MAX_INTEGER: Final = (1 << 127) - 1
#: Largest SRS degree (log2) that is read or made: 2^26 is what public ceremonies offer ezkl.
MAX_SRS_LOG2: Final = 26
#: Powers (log2) that are kept of a .ptau file or a fetched ceremony: columns of a native circuit.
MAX_POINTS_LOG2: Final = Bound("MAX_POINTS_LOG2", 20)
#: A tau that is at most this, or one divided by it, with either sign, counts as known to everybody:
#: it is found in a moment.
MAX_KNOWN_TAU: Final = 1 << 20
#: Connections that one download may take; the same command goes on where it stopped.
MAX_FETCH_CONNECTIONS: Final = Bound("MAX_FETCH_CONNECTIONS", 100)
#: Seconds in which a download must advance by MIN_FETCH_RATE, in the mean.
FETCH_WINDOW: Final = 120
#: Bytes of the file a second: at this rate the largest file, 1.2 GB, takes 3.5 days.
MIN_FETCH_RATE: Final = 4096
#: Length of an address that is fetched or redirected to.
MAX_ADDRESS_LENGTH: Final = 2048
