"""The verifier: the interaction of "Transcript and order", from the key to the opening.

Nothing that a proof says is checked on the way but its encoding. All that has been claimed
becomes one linear form in the committed vector, and two checks decide: ``last`` compares the end of
the last sumcheck with the value of that form, and the opening confirms the committed vector's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from verifai.errors import MalformedError, UsageError
from verifai.proof.key import key_digest
from verifai.verifier.native.claims import (
    Form,
    add_words,
    eq_on_tensor,
    word_count,
    word_point_size,
)
from verifai.verifier.native.contraction import add_contractions, instance_nodes, variables_of
from verifai.verifier.native.curve import G1_BYTES, G1Point, decode_g1, decode_g2
from verifai.verifier.native.field import P, Work, bits, next_claim
from verifai.verifier.native.hiding import (
    TAIL_SCALARS,
    Triples,
    add_pads,
    check_tail,
    pad_weights,
)
from verifai.verifier.native.layout import Layout, layout_of, layout_work
from verifai.verifier.native.opening import check_opening, opening_elements
from verifai.verifier.native.parse import parse_table
from verifai.verifier.native.table import Table, expand
from verifai.verifier.native.transcript import (
    SCALAR_BYTES,
    Kind,
    ProofReader,
    Step,
    Transcript,
    encode_scalars,
    refused,
)
from verifai.verifier.native.weights import Term
from verifai.verifier.native.zerocheck import (
    DEGREE,
    Challenges,
    add_columns,
    add_tables,
    final_relation,
)

#: Of the proof system: keys, circuits and proofs of different versions do not mix.
VERSION: Final = "2"
DOMAIN: Final = f"verifai-native-{VERSION}"
#: Variables of the block of range tables.
ENTRY_VARIABLES: Final = 9
#: A permutation of Keccak, for each challenge and for every RATE bytes that are absorbed, and a row
#: in the opening, in field operations that take Python as long.
PERMUTATION: Final = 640
RATE: Final = 136
ROW: Final = 320
#: Eight lanes of 16 bits.
WORD_BITS: Final = 128


def proof_bytes(table: bytes, batch: int) -> int:
    """The exact length of every proof for this table and batch.

    Raises:
        MalformedError, LimitError: the table breaks a rule of "The operation table".
    """
    return read_circuit(table, batch).proof_bytes()


def verify(
    header: bytes,
    table: bytes,
    commitments: bytes,
    tau_g2: bytes,
    batch: int,
    context: bytes,
    words: Sequence[int],
    proof: bytes,
    record: list[Step] | None = None,
) -> None:
    """Accept, or raise.

    Args:
        header: SHA-256 of the key's header, 32 bytes: proofs are bound to what a key says of
            itself, which means nothing here.
        table: the operation table, canonical JSON.
        commitments: of the rows of the weight region, 64 bytes each.
        tau_g2: tau H2 of the reference string, 128 bytes.
        batch: how many inferences.
        context: 32 bytes, see "Statement and key".
        words: of all public nodes, node after node, row after row, eight values in each.
        proof: the proof.
        record: receives the transcript's steps in order.

    Raises:
        VerificationError: check 7; the message names the step that failed.
        MalformedError: table, commitments or tau_g2 are not what they should be.
        LimitError: they ask for more work than this verifier does.
        UsageError: a batch below 1, or a context or header that has not 32 bytes.
    """
    for what, given in (("context", context), ("header", header)):
        if len(given) != 32:
            raise UsageError(f"A {what} is bound by 32 bytes, not {len(given)}.")
    circuit = read_circuit(table, batch)
    layout = circuit.layout
    weights = _points(commitments, len(layout.rows["weight"]))
    try:
        tau = decode_g2(tau_g2)
    except ValueError as error:
        raise MalformedError(f"The reference string's tau H2: {error}.") from None
    if len(proof) != circuit.proof_bytes():
        raise refused("length", f"{len(proof)} bytes, expected {circuit.proof_bytes()}")
    if len(words) != circuit.word_count():
        raise refused("public words", f"{len(words)} words, expected {circuit.word_count()}")
    if not all(0 <= word < 1 << WORD_BITS for word in words):
        raise refused("public words", "a word is not below 2^128")

    transcript = Transcript(DOMAIN, record)
    transcript.absorb("key", Kind.BYTES, key_digest(header, table, commitments, tau_g2))
    transcript.absorb("batch", Kind.INTEGERS, batch.to_bytes(32, "big"))
    transcript.absorb("context", Kind.BYTES, context)
    if words:
        transcript.absorb("public words", Kind.SCALARS, encode_scalars(words))
    _check(circuit, ProofReader(transcript, proof), tau, weights, words)


def _check(
    circuit: Circuit,
    reader: ProofReader,
    tau_g2: Any,
    weights: Sequence[G1Point],
    words: Sequence[int],
) -> None:
    """Everything after the statement is absorbed."""
    table, layout, work = circuit.table, circuit.layout, Work(circuit.spent)
    transcript = reader.transcript
    form = Form(table, layout, work)

    stage_1 = reader.points("stage 1", len(layout.stage_1()))
    tail = reader.points("tail", 2) if layout.hiding else []
    alpha, beta = transcript.challenge("alpha"), transcript.challenge("beta")
    stage_2 = reader.points("stage 2", len(layout.rows["helper"]))

    tau = transcript.challenges("tau", layout.cube)
    challenges = Challenges(alpha, beta, tau, transcript.challenge("gamma"))
    z, claim = [], 0
    for _ in range(layout.cube):
        message = reader.scalars("zerocheck", DEGREE)
        z.append(transcript.challenge("z"))
        claim = next_claim(claim, message, z[-1])
    columns = reader.scalars("columns", layout.columns)
    claim -= final_relation(layout, challenges, z, columns, work)

    entry_point = transcript.challenges("entry", ENTRY_VARIABLES)
    table_points = [
        transcript.challenges("table entry", bits(len(t.outputs))) for t in table.tables
    ]
    word_points = [
        transcript.challenges("word point", word_point_size(table.nodes[node].shape))
        for node in table.public
    ]
    plain: list[tuple[int, Term]] = []
    contracted: list[tuple[int, Term]] = []
    for node in table.zero:
        dims = table.nodes[node].shape
        point = transcript.challenges("zero point", sum(map(bits, dims)))
        at = (node, eq_on_tensor(dims, point, work))
        (contracted if table.nodes[node].einsum else plain).append(at)

    eta, kappa, messages = 0, [], []
    if contracted:
        eta = transcript.challenge("eta")
        for _ in range(circuit.contraction_rounds):
            messages.append(reader.scalars("contraction", 2))
            kappa.append(transcript.challenge("kappa"))
    ends = reader.scalars("ends", 2 * len(circuit.instances))
    triples = None
    if layout.hiding and layout.hiding.triples is not None:
        x = transcript.challenge("x")
        revealed = reader.scalars("sacrifice", 2 * len(circuit.instances))
        triples = Triples(layout.hiding.triples, x, revealed)

    # all claims, in the order of "Claims", become one
    scales = _powers(transcript.challenge("lambda"))
    first = next(scales)
    form.add_constant(first * claim)
    add_pads(form, first, 0, pad_weights(DEGREE, z))
    add_columns(form, beta, z, columns, scales)
    add_tables(form, challenges, entry_point, table_points, scales)
    taken = 0
    for node, point in zip(table.public, word_points, strict=True):
        count = word_count(table.nodes[node].shape)
        add_words(form, node, words[taken : taken + count], point, next(scales))
        taken += count
    for node, term in plain:
        form.add_node(node, term.times(next(scales)))
    if contracted:
        add_contractions(form, contracted, eta, kappa, messages, ends, scales, triples)
    form.pull_back()

    r, claim = [], -form.constant
    for _ in range(layout.variables):
        message = reader.scalars("last", 2)
        r.append(transcript.challenge("r"))
        claim = next_claim(claim, message, r[-1])
    (value,) = reader.scalars("value", 1)
    gap = (form.at(r) * value - claim) % P
    public_rows = []
    if tail:
        public_rows.append(check_tail(reader, pad_weights(2, r), gap, tail))
    elif gap:
        raise refused("last", "the claims do not hold for the value opened")

    indices = [*layout.rows["weight"], *layout.stage_1(), *layout.rows["helper"]]
    rows = list(zip(indices, [*weights, *stage_1, *stage_2], strict=True))
    cut = layout.variables - layout.log_columns
    check_opening(reader, tau_g2, rows, r[:cut], r[cut:], value, public_rows)
    reader.finish()


@dataclass(frozen=True)
class Circuit:
    """A table for one batch, with all that follows from it before a proof is seen.

    Attributes:
        spent: the work that it took, which counts against the budget of its verification.
    """

    table: Table
    layout: Layout
    instances: list[tuple[int, int]]
    spent: int

    @property
    def contraction_rounds(self) -> int:
        return max((variables_of(self.table, node) for _, node in self.instances), default=0)

    def word_count(self) -> int:
        return sum(word_count(self.table.nodes[node].shape) for node in self.table.public)

    def transcript_work(self) -> int:
        """What hashing, and multiplying the points of the rows, costs in field operations."""
        table, layout = self.table, self.layout
        shapes = [table.nodes[node].shape for node in table.zero]
        challenges = sum(bits(d) for shape in shapes for d in shape)
        challenges += sum(word_point_size(table.nodes[node].shape) for node in table.public)
        challenges += sum(bits(len(t.outputs)) for t in table.tables)
        absorbed = self.proof_bytes() + SCALAR_BYTES * self.word_count()
        rows = sum(map(len, (*layout.rows.values(), *layout.linked)))
        return PERMUTATION * (challenges + absorbed // RATE) + ROW * rows

    def proof_bytes(self) -> int:
        layout = self.layout
        points, scalars = opening_elements(layout.log_columns)
        points += len(layout.stage_1()) + len(layout.rows["helper"])
        scalars += DEGREE * layout.cube + layout.columns + 2 * self.contraction_rounds
        scalars += 2 * len(self.instances) + 2 * layout.variables + 1
        if layout.hiding:
            points += 2
            scalars += 2 * len(self.instances) + 2 * layout.variables + TAIL_SCALARS
        return G1_BYTES * points + SCALAR_BYTES * scalars


@lru_cache(maxsize=1, typed=True)  # a verification asks for its circuit in several places
def read_circuit(data: bytes, batch: int) -> Circuit:
    """The circuit of an operation table for a batch.

    Raises:
        MalformedError, LimitError: the table breaks a rule of "The operation table", or asks
            for more work than this verifier does.
        UsageError: a batch below 1.
    """
    work = Work()
    work.spend(len(data) // 2)
    table = expand(parse_table(data), batch)
    work.spend(layout_work(table))
    circuit = Circuit(table, layout_of(table), instance_nodes(table, work), 0)
    work.spend(circuit.transcript_work())
    return replace(circuit, spent=work.spent)


def _points(data: bytes, count: int) -> list[G1Point]:
    """The commitments of the weight region."""
    if len(data) != G1_BYTES * count:
        raise MalformedError(f"{len(data)} bytes of commitments, expected {count} points.")
    points = []
    for index in range(count):
        try:
            points.append(decode_g1(data[G1_BYTES * index : G1_BYTES * (index + 1)]))
        except ValueError as error:
            raise MalformedError(f"Commitment {index} of the weights: {error}.") from None
    return points


def _powers(base: int) -> Iterator[int]:
    power = 1
    while True:
        yield power
        power = power * base % P
