"""The findings H1 to H17 of the protocol's review, each as an attack that its repair refuses.

``review.json`` lists the tests of every finding; here are those that no other file has. Each shows
the attack succeed where the repair is taken out, and fail as things are.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.circuit import models
from tests.hiding.adversary import Adversary
from tests.hiding.fields import read
from tests.needs import COLLECTED
from tests.soundness.broken_verifier import with_challenge, without_claims
from tests.soundness.field_lies import Overflowing, circuit_of, claim_of
from tests.soundness.lying import Rules
from tests.soundness.lying_prover import Knowing, Liar, circuit, fit_evaluations
from tests.soundness.mutations import Removal, find_lie, without
from tests.soundness.proofs import (
    CONTEXT,
    LOG_COLUMNS,
    Claim,
    Prover,
    case,
    development,
    judge,
    python,
)
from tests.verifier.circuits import Circuit, integers
from tests.verifier.reference_algebra import TAU, P, encode, eq, inv
from tests.verifier.reference_prover import Prover as SlowProver
from verifai.circuit import Visibility
from verifai.circuit.lower import lower
from verifai.proof.key import key_digest
from verifai.verifier.native.claims import Form, eq_on_tensor
from verifai.verifier.native.curve import G, decode_g1, msm
from verifai.verifier.native.field import Work
from verifai.verifier.native.layout import layout_of
from verifai.verifier.native.parse import parse_table
from verifai.verifier.native.registration import registration_table
from verifai.verifier.native.table import View, expand

ROOT = Path(__file__).parents[2]
FINDINGS: dict[str, Any] = json.loads((Path(__file__).parent / "review.json").read_text())


def proved(made: Circuit, by: type[SlowProver] = SlowProver) -> Claim:
    prover = by(made, CONTEXT)
    prover.prove()
    return claim_of(prover)


# ---- the table ----------------------------------------------------------------------------------


def test_every_finding_has_tests_and_they_exist(request: pytest.FixtureRequest) -> None:
    assert list(FINDINGS) == [f"H{n}" for n in range(1, 18)]
    listed = {test for finding in FINDINGS.values() for test in finding["tests"]}
    assert all(finding["tests"] for finding in FINDINGS.values())
    for test in listed:
        file, name = test.split("::")
        if file.endswith(".rs"):
            assert re.search(rf"#\[test\]\s+fn {name}\(\)", (ROOT / file).read_text()), test
    listed = {test for test in listed if test.split("::")[0].endswith(".py")}
    # a run of everything has collected them already
    if missing := listed - with_names(request.config.stash[COLLECTED]):
        command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
        files = sorted({test.split("::")[0] for test in missing})
        done = subprocess.run(
            [*command, *files], cwd=ROOT, capture_output=True, text=True, timeout=300, check=True
        )
        assert missing - with_names(done.stdout.splitlines()) == set()


def with_names(collected: Iterable[str]) -> set[str]:
    """Tests, each with its parameters and without."""
    return {name for test in collected for name in (test, test.split("[")[0])}


# ---- H1 -----------------------------------------------------------------------------------------


def test_no_claim_reads_the_row_m() -> None:
    """It is in the address space, committed in stage 1, and all weights on it are zero."""
    liar = Liar(circuit(hiding=True))
    liar.prove()
    tile = liar.lines["row"]
    row = liar.rows["mask"][0]
    assert tile.base == row << liar.c.log_columns
    assert not any(tile.base <= address < tile.base + tile.size for address in liar.total)
    assert liar.points[row] in read(claim_of(liar)).points["stage 1"]


# ---- H3 -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shared", [True, False])
def test_a_second_triple_for_two_products_leaks(shared: bool) -> None:
    """f - f' = b - b': what two ends differ by has no pad left."""
    honest = case("mlp", 1, hiding=True)
    prover = SlowProver(circuit_of(honest.table, honest.weights, honest.witness, 1), CONTEXT)
    triples = prover.masks["triples"]
    if shared:
        triples[9:12] = triples[3:6]
    prover.prove()
    claim = claim_of(prover)
    assert judge(claim) is None
    adversary = Adversary(honest, claim, honest.witness)
    (ends,), (shown,) = adversary.real.scalars["ends"], adversary.real.scalars["sacrifice"]
    (said,) = adversary.said["ends"]
    leaked = (ends[1] - shown[1] - ends[3] + shown[3]) % P
    assert (leaked == (said[1] - said[3]) % P) == shared


# ---- H4 -----------------------------------------------------------------------------------------


class ZeroOverZero(Liar):
    """Helpers and multiplicities are zero: total and table side hold, whatever is looked up."""

    def commit(self, region: str) -> list[bytes]:
        tiles = {"witness": self.m, "helper": [h for h, _, _ in self.groups] + self.ht}
        for tile in tiles.get(region, []):
            self.put(tile, np.zeros(tile.dims, dtype=object))
        return super().commit(region)


@pytest.mark.parametrize("hiding", [True, False])
def test_lookups_that_are_zero_over_zero(hiding: bool) -> None:
    """h (alpha - f) = 1 is checked on the committed h: no denominator can be left open."""
    liar = ZeroOverZero(circuit("lookup", hiding=hiding), {0})
    liar.prove()
    # without pads the end of the zerocheck is a number, which the prover does not look at
    assert liar.false == ([0] if hiding else [])
    assert python(claim_of(liar), without_claims({0})) is None
    assert python(claim_of(liar), without_claims({7})) is not None
    assert judge(claim_of(liar)) == ("tail" if hiding else "last")


# ---- H5 -----------------------------------------------------------------------------------------


def dense(reads: int, y: int) -> Circuit:
    """Three inputs, copied to a hint of which ``reads`` entries count, times weights."""
    c = Circuit(1, 6)
    x = c.committed("input", integers([[1, 2, 3]]), [4])
    copy = c.committed("witness", integers([[1, 2, 3, 100][:reads]]), [])
    real = c.view(copy, (3,), [{"offset": 0, "terms": [[0, 1]]}])
    c.zero(c.linear((1, real), (-1, x)))
    w = c.weight(integers([5, 6, 7, 1][:reads]))
    out = c.committed("output", integers([y]), [8])
    c.constraints["zero"].append(c.linear((1, c.einsum(copy, w, ("k", "k", ""))), (-1, out)))
    c.outputs = [out]
    return c


class Padded(SlowProver):
    """The fourth entry of each block of three holds what ``dense(4, ..)`` has there."""

    def commit(self, region: str) -> list[bytes]:
        for node, value in ((1, 100), (4, 1)):
            (tile,) = self.blocks[node]
            self.vector[tile.base + 3] = value
        return super().commit(region)


def test_padding_that_is_read() -> None:
    """Free activations in padding, and weights that the owner put there: any output is had."""
    truth = 1 * 5 + 2 * 6 + 3 * 7
    assert judge(proved(dense(4, truth + 100))) is None
    assert judge(proved(dense(3, truth), Padded)) is None
    assert judge(proved(dense(3, truth + 100), Padded)) == "last"


# ---- H6 -----------------------------------------------------------------------------------------


def remainder(limb: list[int], y: int, hi: int) -> Circuit:
    """acc = 2^12 y + 2^8 hi + lo with hi of four bits; without a limb, 16 hi is a byte instead."""
    c = Circuit(1, 6)
    acc = c.committed("input", integers([[4096 * 2 + 239]]), [8, 8])
    quotient = c.committed("output", integers([[y]]), [8])
    lo = c.committed("witness", integers([[239 if y == 2 else 255]]), [8])
    high = c.committed("witness", integers([[hi]]), limb)
    if not limb:
        scaled = c.committed("witness", integers([[16 * hi % P]]), [8])
        c.constraints["zero"].append(c.linear((16, high), (-1, scaled)))
    rest = ((1, acc), (-4096, quotient), (-1, lo), (-256, high))
    c.constraints["zero"].append(c.linear(*rest))
    c.outputs = [quotient]
    return c


def test_a_scaled_check_of_a_limb() -> None:
    """hi = 255 / 16 in F: 16 hi is a byte, r = 4335 is no remainder, y is one too small."""
    fraction = 255 * inv(16) % P
    for limb in ([], [4]):
        assert judge(proved(remainder(limb, 2, 0))) is None
    assert judge(proved(remainder([], 1, fraction))) is None
    assert judge(proved(remainder([4], 1, fraction), Overflowing)) == "last"


# ---- H7 -----------------------------------------------------------------------------------------


def halved(weight: int) -> tuple[Circuit, Circuit]:
    """y = weight x, and the registration of that weight."""
    c = Circuit(1, 6)
    x = c.committed("input", integers([[6]]), [8])
    w = c.weight(integers([weight]))
    e = c.einsum(x, w, ("k", "k", "k"))
    y = c.committed("output", integers([[6 * weight % P]]), [8])
    c.constraints["zero"].append(c.linear((1, e), (-1, y)))
    fields = json.loads(registration_table(c.table_bytes()))
    r = Circuit(1, 6)
    r.nodes = fields["nodes"]
    r.constraints = {key: fields[key] for key in r.constraints}
    r.batched = [False] * 3
    r.values = [integers([weight]), integers([weight]), integers([0])]
    return c, r


@pytest.mark.parametrize(("weight", "fits"), [(2, True), (inv(2), False)])
def test_a_weight_that_is_no_integer(weight: int, fits: bool) -> None:
    """A key may commit to 1/2, and its proofs verify; the registration under it does not."""
    model, registration = (proved(c, Overflowing) for c in halved(weight))
    assert judge(model) is None
    assert registration.commitments == model.commitments
    assert judge(registration) == (None if fits else "last")


@pytest.mark.parametrize("tied", [True, False])
def test_a_wide_weight_behind_a_copy_that_is_in_range(tied: bool) -> None:
    """40000 has more than 16 bits, its copy 0 has not: their difference has to be zero."""
    _, r = halved(40000)
    r.values = [integers([40000]), integers([0]), integers([40000])]
    if not tied:
        r.constraints["zero"] = []
    assert judge(proved(r)) == ("last" if tied else None)


# ---- H8 -----------------------------------------------------------------------------------------


def test_points_that_are_known_before_the_values() -> None:
    """Two errors that cancel at a known point; the real one is drawn after the commitments."""
    known = 12345
    weights = eq([known, known])
    c = Circuit(1, 6)
    x = c.committed("input", integers([[1, 2, 3, 0]]), [4])
    errors = [weights[1], -weights[0], 0, 0]
    h = c.committed("witness", integers([[2, 4, 6, 0]]) + integers([errors]), [])
    c.constraints["zero"].append(c.linear((1, h), (-2, x)))
    liar = Liar(c)
    liar.w = Knowing({"zero point": known}, {})
    liar.prove()
    assert liar.false == []
    assert python(claim_of(liar), with_challenge(zero_point=known)) is None
    assert judge(proved(c)) == "last"


def test_a_tensor_that_is_used_twice_has_two_claims() -> None:
    """A lie about the second use of x, which no claim about the first one sees."""
    c = Circuit(1, 6)
    x = c.committed("input", integers([[1, 2, 3, 0]]), [4])
    for lie in (0, 1):
        w = c.weight(integers([[1, 2], [3, 4], [5, 6], [7, lie]]))
        e = c.einsum(x, w, ("k", "kn", "n"))
        h = c.committed("witness", c.values[e] + lie, [])
        c.constraints["zero"].append(c.linear((1, h), (-1, e)))
    contraction, second_use = 8, 11  # zerocheck, five columns, range side, total; then the ends

    def liar(delta: int, left_out: set[int]) -> Liar:
        made = Liar(c, left_out)
        made.w.hooks["ends"] = lambda ends: ends.__setitem__(2, ends[2] + delta)
        made.prove()
        return made

    at = [liar(delta, set()).residues.get(contraction, 0) for delta in (0, 1)]
    forged = liar(at[0] * inv(at[0] - at[1]) % P, {second_use})
    assert forged.false == [second_use]
    assert python(claim_of(forged), without_claims({second_use})) is None
    assert python(claim_of(forged), without_claims({second_use - 2})) == "last"
    assert judge(claim_of(forged)) == "last"


# ---- H9 -----------------------------------------------------------------------------------------


def test_the_weights_of_im2col_factor_per_axis() -> None:
    """A convolution's claim costs the sum of its lengths, not their product."""
    claim = case("digits", 1).claim
    table, work = expand(parse_table(claim.table), 1), Work()
    views = [
        i
        for i, node in enumerate(table.nodes)
        if isinstance(node.operation, View) and len(node.shape) >= 5 and not node.einsum
    ]
    assert views
    for node in views:
        form = Form(table, layout_of(table), work)
        dims = table.nodes[node].shape
        point = [7 + i for i in range(sum((d - 1).bit_length() for d in dims))]
        form.add_node(node, eq_on_tensor(dims, point, work))
        form.pull_back()
        groups = [g for terms in form.on_blocks.values() for t in terms for g in t.groups]
        assert all(len(group.axes) == 1 for group in groups)


# ---- H10 ----------------------------------------------------------------------------------------


def test_an_overflow_has_no_proof_unless_it_saturates() -> None:
    pytest.importorskip("onnx")
    from tests.graph.test_build import overflowing
    from tests.soundness.proofs import case_of
    from verifai.errors import InputError
    from verifai.graph import build, quantise_inputs, run
    from verifai.graph.lower import Options

    made, calibration, beyond = overflowing()
    strict = build(made, calibration)
    with pytest.raises(InputError, match="overflows"):
        run(strict, quantise_inputs(strict, [beyond]), batch=True)
    graph = build(made, calibration, Options(saturate=True))
    values = run(graph, quantise_inputs(graph, [beyond]), batch=True)
    lowered = lower(graph, Visibility(), log_columns=10)
    assert judge(case_of("saturated", lowered, values, len(beyond)).claim) is None


# ---- H12 ----------------------------------------------------------------------------------------


def test_fingerprints_that_are_known_before_the_values() -> None:
    """f = v + beta tag + beta^2 o is another entry's for a suitable o, if beta is known."""
    beta = 12345
    c = circuit()
    x = int(c.values[0][0, 0])
    entry = x + 1
    c.values[1] = c.values[1].copy()
    c.values[1][0, 0] = (entry * entry + (entry - x) * inv(beta * beta)) % P

    class Moved(Liar):
        """The multiplicity of x goes to the other entry."""

        def commit(self, region: str) -> list[bytes]:
            for at, change in ((x + 8, -1), (entry + 8, 1)):
                if region == "witness":
                    address = self.m[1].base + at
                    self.vector[address] = (self.vector[address] + change) % P
                if region == "helper":
                    address, f = self.ht[1].base + at, self.fingerprints[1][at]
                    share = change * inv(self.w.drawn["alpha"][0] - f)
                    self.vector[address] = (self.vector[address] + share) % P
            return super().commit(region)

    liar = Moved(c)
    liar.w = Knowing({"beta": beta}, {})
    liar.prove()
    assert liar.false == []
    assert python(claim_of(liar), with_challenge(beta=beta)) is None
    honest = Moved(c)
    honest.prove()
    assert judge(claim_of(honest)) == "last"


# ---- H13 ----------------------------------------------------------------------------------------


def test_a_tau_that_the_prover_knows_proves_anything() -> None:
    """So tau H2 is in the key and its digest, and never a prover's to choose."""
    liar = Liar(circuit("zero"))
    fit_evaluations(liar)
    liar.prove()
    assert judge(claim_of(liar)) == "opening pairing"
    drawn, columns = liar.w.drawn, liar.w.drawn["r"][liar.n - liar.c.log_columns :]
    (at,), (nu,), (z,) = drawn["opening r"], drawn["opening nu"], drawn["opening z"]
    error, power, excess = liar.raised, 1, 0  # of A_k(r_k), folded as check 1 does
    for k, x in enumerate(reversed(columns)):
        excess += power * error * inv(z - at)
        error = error * ((1 - x) * inv(2) + x * inv(2 * at)) % P
        power, at = power * nu * nu % P, at * at % P
        assert k < liar.n
    witness = liar.w.proof[-64:]
    repaired = msm([decode_g1(witness), G], [1, excess * inv(TAU - z) % P])
    forged = claim_of(liar).but(proof=liar.w.proof[:-64] + encode(repaired))
    assert judge(forged) is None
    pinned = development(6).tau_g2
    assert judge(forged.but(tau_g2=pinned)) is not None
    digests = {key_digest(*forged.but(tau_g2=t).key) for t in (forged.tau_g2, pinned)}
    assert len(digests) == 2


# ---- H15 ----------------------------------------------------------------------------------------


def test_one_model_has_one_commitment() -> None:
    """In every circuit around it and for every batch; what is committed has rows of its own."""
    graph = models.digits()
    blindings, commitments = None, set()
    for visibility in (Visibility(), Visibility(input="private"), Visibility(output="committed")):
        lowered = lower(graph, visibility, log_columns=LOG_COLUMNS, hiding=True)
        for table in (lowered.table, registration_table(lowered.table)):
            prover = Prover(table, lowered.weights, LOG_COLUMNS, blindings)
            blindings = prover.core.blindings
            commitments.add(prover.core.commitments)
        for batch in (1, 3):
            layout = layout_of(expand(parse_table(lowered.table), batch))
            owners: dict[int, set[str]] = {}
            for region, rows in layout.rows.items():
                for row in rows:
                    owners.setdefault(row, set()).add(region)
            assert all(len(regions) == 1 for regions in owners.values())
            assert 64 * len(layout.rows["weight"]) == len(next(iter(commitments)))
    assert len(commitments) == 1


# ---- H16 ----------------------------------------------------------------------------------------


def test_public_values_travel_eight_in_a_word() -> None:
    honest = case("digits", 1)
    words = [honest.claim.words[i : i + 32] for i in range(0, len(honest.claim.words), 32)]
    rows = [(2 * 7, 6), (1, 4)]  # of input and output: each row starts a word
    assert len(words) == sum(count * -(-length // 8) for count, length in rows)
    first = int.from_bytes(words[0], "big")
    x = honest.witness[honest.table.committed.index(honest.table.public[0])]
    node = honest.table.nodes[honest.table.public[0]]
    lanes = [first >> 16 * t & 0xFFFF for t in range(8)]
    assert lanes == [*(int(v) - node.operation.offset for v in x[0, 0, 0]), 0, 0]


# ---- H17 ----------------------------------------------------------------------------------------


def test_a_table_that_lacks_a_range_is_found_by_compiling_again() -> None:
    """Well-formed, and it proves a lie: only the model says which table is right."""
    honest = case("mlp")
    rules = Rules(honest.table)
    node = next(rule.r for rule in rules.by_zero if rule.r is not None)
    lie = find_lie(honest, Removal("range", node))
    assert lie is not None
    table = without(rules, lie.removal).to_bytes()
    claim = Prover(table, honest.weights, LOG_COLUMNS).prove(lie.witness, honest.batch)
    assert judge(claim) is None
    assert judge(claim.but(table=honest.claim.table)) is not None
    again = lower(models.mlp(), Visibility(), log_columns=LOG_COLUMNS)
    assert again.table == honest.claim.table != table
    assert key_digest(*claim.but(table=again.table).key) != key_digest(*claim.key)
