"""The verifier: the interaction from key to opening (docs/protocol.md, Transcript and order).

Messages are read in order and each challenge is drawn after the messages before it; on the way only
encodings are checked. Everything that the proof claims is then added up to *one* linear form in
the committed vector w: ``constant + <L, w> = 0``. Two checks decide. The batching sumcheck (label
``last``) reduces the form to one value ``w(r)``; the opening shows that the commitments have it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from verifai.errors import UsageError
from verifai.verifier.native.circuit import Circuit, Circuits
from verifai.verifier.native.claims import (
    Form,
    add_words,
    eq_on_tensor,
)
from verifai.verifier.native.contraction import add_contractions
from verifai.verifier.native.curve import G1Point
from verifai.verifier.native.field import P, Work, bits, next_claim
from verifai.verifier.native.hiding import Triples, add_pads, check_tail, pad_weights
from verifai.verifier.native.key import Key
from verifai.verifier.native.opening import check_opening
from verifai.verifier.native.transcript import (
    Kind,
    ProofReader,
    Transcript,
    TranscriptStep,
    encode_scalars,
    refused,
)
from verifai.verifier.native.weights import Term
from verifai.verifier.native.words import WORD_BITS, gathered_ids, words_of_nodes
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


def proof_bytes(table: bytes, batch: int) -> int:
    """The exact length of every proof for this table and batch.

    Raises:
        MalformedError, LimitError: the table breaks a rule of its format.
    """
    return Circuits(table).of(batch).proof_bytes


def verify(
    header: bytes,
    table: bytes,
    commitments: bytes,
    tau_g2: bytes,
    batch: int,
    context: bytes,
    words: Sequence[int],
    proof: bytes,
    record: list[TranscriptStep] | None = None,
) -> None:
    """:func:`verify_under` the key with these parts, which is read for this one proof."""
    key = Key(header, table, commitments, tau_g2)
    verify_under(key, batch, context, words, proof, record)


def verify_under(
    key: Key,
    batch: int,
    context: bytes,
    words: Sequence[int],
    proof: bytes,
    record: list[TranscriptStep] | None = None,
) -> None:
    """Accept, or raise.

    Args:
        batch: how many inferences.
        context: 32 bytes that the proof is bound to.
        words: of all public nodes, node after node, row after row.
        proof: the proof.
        record: receives the transcript's steps in order.

    Raises:
        VerificationError: check 7; the message names the step that failed.
        MalformedError: the key's commitments or tau_g2 are not what they should be.
        LimitError: the key asks for more work than this verifier does.
        UsageError: a batch below 1, or a context that has not 32 bytes.
    """
    if len(context) != 32:
        raise UsageError(f"A context is bound by 32 bytes, not {len(context)}.")
    circuit = key.circuits.of(batch)
    weights, tau = key.weights(len(circuit.layout.rows["weight"])), key.tau
    if len(proof) != circuit.proof_bytes:
        raise refused("length", f"{len(proof)} bytes, expected {circuit.proof_bytes}")
    if len(words) != circuit.word_count:
        raise refused("public words", f"{len(words)} words, expected {circuit.word_count}")
    if not all(0 <= word < 1 << WORD_BITS for word in words):
        raise refused("public words", "a word is not below 2^128")
    work = Work(circuit.spent)
    ids = gathered_ids(circuit.table, words, work)

    transcript = Transcript(DOMAIN, record)
    transcript.absorb("key", Kind.BYTES, key.digest)
    transcript.absorb("batch", Kind.INTEGERS, batch.to_bytes(32, "big"))
    transcript.absorb("context", Kind.BYTES, context)
    if words:
        transcript.absorb("public words", Kind.SCALARS, encode_scalars(words))
    form = Form(circuit.table, circuit.layout, work, ids)
    _check(circuit, form, ProofReader(transcript, proof), tau, weights, words)


def _check(
    circuit: Circuit,
    form: Form,
    reader: ProofReader,
    tau_g2: Any,
    weights: Sequence[G1Point],
    words: Sequence[int],
) -> None:
    """Everything after the statement is absorbed; ``form`` is that of no claims."""
    table, layout, work = circuit.table, circuit.layout, form.work
    transcript = reader.transcript

    stage_1 = reader.points("stage 1", len(layout.stage_1()))
    tail = reader.points("tail", 2) if layout.hiding else []
    alpha, beta = transcript.challenge("alpha"), transcript.challenge("beta")
    helpers = reader.points("stage 2", len(layout.rows["helper"]))

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
    word_points = [transcript.challenges("word point", size) for size in circuit.word_points]
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
    evaluations = reader.scalars("ends", 2 * len(circuit.instances))
    triples = None
    if layout.hiding and layout.hiding.triples is not None:
        x = transcript.challenge("x")
        revealed = reader.scalars("sacrifice", 2 * len(circuit.instances))
        triples = Triples(layout.hiding.triples, x, revealed)

    # all claims, in the order of docs/protocol.md, Claims, become one
    scales = _powers(transcript.challenge("lambda"))
    first = next(scales)
    form.add_constant(first * claim)
    add_pads(form, first, 0, pad_weights(DEGREE, z))
    add_columns(form, beta, z, columns, scales)
    add_tables(form, challenges, entry_point, table_points, scales)
    shown = words_of_nodes(table, words)
    for (node, own), point in zip(shown.items(), word_points, strict=True):
        add_words(form, node, own, point, next(scales))
    for node, term in plain:
        form.add_node(node, term.times(next(scales)))
    if contracted:
        add_contractions(form, contracted, eta, kappa, messages, evaluations, scales, triples)
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
    rows = list(zip(indices, [*weights, *stage_1, *helpers], strict=True))
    cut = layout.variables - layout.log_columns
    check_opening(reader, tau_g2, rows, r[:cut], r[cut:], value, public_rows)
    reader.finish()


def _powers(base: int) -> Iterator[int]:
    power = 1
    while True:
        yield power
        power = power * base % P
