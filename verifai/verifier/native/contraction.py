"""Einsums under zero constraints, as two linear claims each (docs/protocol.md, Contractions).

::

    S = sum_(g,k) A(g,k) B(g,k)     A = w_g(g) sum_m w_m(m) left,   B = sum_n w_n(n) right

An *instance* is one path from a zero node to an einsum. All instances share one sumcheck over the
variables of the largest; a smaller one uses the last challenges. The sumcheck ends at a point
kappa, and the prover sends two *evaluations* for each instance, a = A(kappa) and b = B(kappa). That
these are the left and the right operand's are two linear claims.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from verifai.errors import InternalError, LimitError
from verifai.verifier.native.claims import Form, linear_operands, view_source
from verifai.verifier.native.field import PART, P, Work, bits, cut, eq_range, inverse
from verifai.verifier.native.hiding import Triples, add_pads, pad_weights
from verifai.verifier.native.layout import ZEROCHECK_DEGREE as DEGREE
from verifai.verifier.native.table import Einsum, Linear, Table, View
from verifai.verifier.native.weights import Group, Term, sorted_group

#: Most instances of one table: each costs two scalars and two pull-backs.
MAX_INSTANCES: Final = 4096


@dataclass(frozen=True)
class Axes:
    """The letters of an einsum by class, each with its axis in left and in right."""

    left: dict[str, int]
    right: dict[str, int]
    g: tuple[str, ...]  # in all three, in the order of out
    m: tuple[str, ...]  # left and out
    n: tuple[str, ...]  # right and out
    k: tuple[str, ...]  # left and right, in the order of left


def axes_of(einsum: Einsum) -> Axes:
    """The classes of an einsum's letters."""
    a, b, out = einsum.labels
    return Axes(
        left={letter: axis for axis, letter in enumerate(a)},
        right={letter: axis for axis, letter in enumerate(b)},
        g=tuple(x for x in out if x in a and x in b),
        m=tuple(x for x in out if x not in b),
        n=tuple(x for x in out if x not in a),
        k=tuple(x for x in a if x not in out),
    )


def variables_of(table: Table, node: int) -> int:
    """Variables of an einsum's sum: over its g and k axes."""
    einsum = table.nodes[node].operation
    assert isinstance(einsum, Einsum)
    axes = axes_of(einsum)
    dims = table.nodes[einsum.left].shape
    return sum(bits(dims[axes.left[x]]) for x in axes.g + axes.k)


def instance_nodes(table: Table, work: Work) -> list[tuple[int, int]]:
    """All instances in order: (zero nodes with einsums counted from 0, einsum node).

    Raises:
        LimitError: more than MAX_INSTANCES.
    """
    found: list[tuple[int, int]] = []
    roots = [node for node in table.zero if table.nodes[node].einsum]
    for number, root in enumerate(roots):
        waiting = [root]
        while waiting:
            node = waiting.pop()
            work.spend(1)
            match table.nodes[node].operation:
                case Einsum():
                    found.append((number, node))
                    if len(found) > MAX_INSTANCES:
                        raise LimitError(f"More einsums than MAX_INSTANCES ({MAX_INSTANCES}).")
                case View(source):
                    waiting.append(source)
                case Linear(terms):
                    work.spend(len(terms))
                    waiting += [n for _, n in reversed(terms) if table.nodes[n].einsum]
                case _:
                    raise InternalError("An einsum under an operation that is not linear or view.")
    return found


def open_instances(form: Form, root: int, term: Term, scale: int) -> list[tuple[int, Term]]:
    """The einsums under a zero node with the weights that reach each, in order.

    What holds no einsum is added to ``form``, scaled by ``scale``; the weights returned are not.
    """
    found = []
    waiting = [(root, term)]
    while waiting:
        node, term = waiting.pop()
        form.work.spend(1)
        match form.table.nodes[node].operation:
            case _ if not form.table.nodes[node].einsum:
                form.add_node(node, term.times(scale))
            case Einsum():
                found.append((node, term))
            case View():
                waiting.append(view_source(form.table, node, term, form.work))
            case Linear(_, offset):
                form.work.spend(sum(len(group.values) for group in term.groups))
                form.add_constant(scale * offset * term.total())
                waiting += reversed(linear_operands(form.table, node, term, form.work))
            case _:
                raise InternalError("An einsum under an operation that is not linear or view.")
    return found


def add_contractions(
    form: Form,
    zeros: Sequence[tuple[int, Term]],
    eta: int,
    kappa: Sequence[int],
    messages: Sequence[Sequence[int]],
    evaluations: Sequence[int],
    scales: Iterator[int],
    triples: Triples | None = None,
) -> None:
    """The contraction claim, and for every instance the claims about its evaluations a and b.

    Args:
        zeros: the zero nodes with einsums and the weights eq(point, .) on each.
        messages: the rounds of the sumcheck; ``kappa`` their challenges.
        evaluations: a_0, b_0, a_1, b_1, ...
        triples: of a hiding proof; evaluations and messages are then padded.

    The running claim of the sumcheck is ``- sum_e eta^e linear_e`` before the rounds; it is linear
    in that value, with the factor ``product of l_1(kappa)``, and in the messages.
    """
    scale = next(scales)
    factor, running = 1, 0  # claim = factor * (first claim) + running
    for message, x in zip(messages, kappa, strict=True):
        zero, one, two = _round_basis(x)
        factor = factor * one % P
        running = (message[0] * (zero - one) + running * one + message[1] * two) % P
    form.add_constant(scale * running)
    first = DEGREE * form.layout.cube
    add_pads(form, scale, first, pad_weights(len(messages[0]) if messages else 0, kappa))

    power, number = 1, 0
    waiting = list(zip(evaluations[::2], evaluations[1::2], strict=True))
    for node, term in zeros:
        for einsum, weights in open_instances(form, node, term, -scale * factor * power % P):
            a, b = waiting.pop(0)
            spare = len(kappa) - variables_of(form.table, einsum)
            coefficient = power * weights.coefficient % P * inverse(1 << spare) % P
            form.add_constant(-scale * coefficient % P * a % P * b)
            if triples is not None:
                triples.add_product(form, number, -scale * coefficient % P, a, b)
            padded = None if triples is None else (triples, number)
            _add_evaluations(form, einsum, weights.groups, kappa[spare:], a, b, scales, padded)
            number += 1
        power = power * eta % P
    assert not waiting


def _round_basis(x: int) -> tuple[int, int, int]:
    """The Lagrange basis on the nodes 0, 1, 2 at x."""
    half = inverse(2)
    return (x - 1) * (x - 2) * half % P, x * (2 - x) % P, x * (x - 1) * half % P


def _add_evaluations(
    form: Form,
    node: int,
    weights: Sequence[Group],
    kappa: Sequence[int],
    a: int,
    b: int,
    scales: Iterator[int],
    padded: tuple[Triples, int] | None,
) -> None:
    """``A(kappa) - a = 0`` on the left operand, ``B(kappa) - b = 0`` on the right one."""
    table, work = form.table, form.work
    einsum = table.nodes[node].operation
    assert isinstance(einsum, Einsum)
    axes, left_dims = axes_of(einsum), table.nodes[einsum.left].shape
    right_dims = table.nodes[einsum.right].shape
    work.spend(PART * (2 + len(axes.left) + len(axes.right) + len(weights)))
    shared = {letter: left_dims[axes.left[letter]] for letter in axes.g + axes.k}
    work.spend(2 * sum(shared.values()))
    parts = cut(kappa, map(bits, shared.values()))
    eq = {x: eq_range(part, 0, shared[x]) for x, part in zip(shared, parts, strict=True)}
    left = [Group((axes.left[x],), eq[x]) for x in axes.k]
    right = [Group((axes.right[x],), eq[x]) for x in axes.g + axes.k]
    letters_of = einsum.labels[2]
    for group in weights:
        work.spend(2 * len(group.values))
        letters = [letters_of[axis] for axis in group.axes]
        if set(letters) <= set(axes.g):
            kernel = [1]
            for x in letters:
                kernel = [v * e % P for v in kernel for e in eq[x]]
            values = [v * e % P for v, e in zip(group.values, kernel, strict=True)]
            left.append(sorted_group([axes.left[x] for x in letters], values, left_dims))
        elif set(letters) <= set(axes.m):
            left.append(sorted_group([axes.left[x] for x in letters], group.values, left_dims))
        elif set(letters) <= set(axes.n):
            right.append(sorted_group([axes.right[x] for x in letters], group.values, right_dims))
        else:  # views give one group for each source axis, so that this cannot come up
            raise InternalError("Weights on an einsum that do not factor by class of axes.")
    for side, (operand, groups, value) in enumerate(
        ((einsum.left, left, a), (einsum.right, right, b))
    ):
        scale = next(scales)
        form.add_node(operand, Term(scale, tuple(groups)))
        form.add_constant(-scale * value)
        if padded is not None:
            padded[0].add_evaluation(form, padded[1], scale, side)
    if padded is not None:
        padded[0].add_sacrifice(form, padded[1], scales)
