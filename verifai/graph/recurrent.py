"""LSTM, GRU and RNN, written out step by step before calibration.

What does not wait for the step before is in front of the steps: the inputs of all of them times the
input weights, biases included, are one product. In a step only the state's own product is left; it
is added to its part of the first one before the sum is rounded, once, for all gates side by side.
Equal tensors of all steps share one scale (:mod:`verifai.graph.shared`), and so one table.

Both directions go through the same steps side by side, the second one on the input reversed, unless
they have different activations. Sequence lengths are constants of the circuit: which step of which
sequence is an output is an index map, and costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from verifai.errors import UnsupportedError
from verifai.graph.expand import Body, rule
from verifai.graph.notes import SCALE, note

#: Steps of one operator: each is at least a dozen nodes of a table of 4,096.
MAX_STEPS: Final = 512
#: Activations by ONNX name in lower case: the operator, and the defaults of alpha and beta as far
#: as it has them.
ACTIVATIONS: Final[dict[str, tuple[str, tuple[float, ...]]]] = {
    "affine": ("Affine", (1.0, 0.0)),
    "elu": ("Elu", (1.0,)),
    "hardsigmoid": ("HardSigmoid", (0.2, 0.5)),
    "leakyrelu": ("LeakyRelu", (0.01,)),
    "relu": ("Relu", ()),
    "scaledtanh": ("ScaledTanh", (1.0, 1.0)),
    "sigmoid": ("Sigmoid", ()),
    "softplus": ("Softplus", ()),
    "softsign": ("Softsign", ()),
    "tanh": ("Tanh", ()),
    "thresholdedrelu": ("ThresholdedRelu", (1.0,)),
}
#: Activations of one direction, by operator.
DEFAULTS: Final = {
    "GRU": ("sigmoid", "tanh"),
    "LSTM": ("sigmoid", "tanh", "tanh"),
    "RNN": ("tanh",),
}


@dataclass(frozen=True)
class Activation:
    """A function by its name in :data:`ACTIVATIONS`, and its parameters."""

    name: str
    parameters: tuple[float, ...]


class Steps:
    """The steps of one operator, in one direction or in both side by side."""

    def __init__(self, body: Body, recurrent: str, hidden: int, activations: Sequence[Activation]):
        self.body, self.hidden, self.activations = body, hidden, activations
        #: The states' weights, transposed: (hidden, gates * hidden), after the directions if two.
        self.recurrent = recurrent
        self.clip = body.attributes.get("clip")

    def add(self, role: str, kind: str, *inputs: str, **attributes: Any) -> str:
        """A node that every step has; ``role`` names it among those of a step."""
        made = self.body.add(kind, inputs, **attributes)
        note(self.body.nodes[-1], SCALE, f"{self.body.node.name}/{role}")
        return made

    def parts(self, role: str, x: str, count: int) -> list[str]:
        """Equal parts along the last axis."""
        return _split(self.body, x, -1, [self.hidden] * count, f"{self.body.node.name}/{role}")

    def limited(self, role: str, x: str) -> str:
        """Within ``clip``, where there is one."""
        if self.clip is None:
            return x
        if self.body.opset < 11:
            return self.add(f"{role}/clip", "Clip", x, min=-self.clip, max=self.clip)
        ends = self.body.constant(-self.clip), self.body.constant(self.clip)
        return self.add(f"{role}/clip", "Clip", x, *ends)

    def active(self, role: str, x: str, place: int) -> str:
        """Activation number ``place`` of the limited input."""
        x = self.limited(role, x)
        kind, _ = ACTIVATIONS[self.activations[place].name]
        parameters = self.activations[place].parameters
        if kind == "Affine":
            return self._affine(role, x, *parameters)
        if kind == "ScaledTanh":
            inner = self._affine(f"{role}/inner", x, parameters[1], 0.0)
            return self._affine(role, self.add(f"{role}/tanh", "Tanh", inner), parameters[0], 0.0)
        names = ("alpha", "beta")[: len(parameters)]
        return self.add(role, kind, x, **dict(zip(names, parameters, strict=True)))

    def _affine(self, role: str, x: str, alpha: float, beta: float) -> str:
        if alpha != 1.0:
            x = self.add(f"{role}/alpha", "Mul", x, self.body.constant(alpha))
        if beta != 0.0:
            x = self.add(f"{role}/beta", "Add", x, self.body.constant(beta))
        return x

    def both(self, x: str) -> list[str]:
        """The two gates z and r."""
        return self.parts("zr", self.active("active", x, 0), 2)

    def with_state(self, role: str, x: str, h: str, weights: str) -> str:
        """``x + h @ weights``."""
        return self.add(role, "Add", x, self.add(f"{role}/product", "MatMul", h, weights))


#: One step: (its part of the product in front, state, cell state) -> (state, cell state), of which
#: only an LSTM has the second one.
Step = Callable[[str, str, str], tuple[str, str]]


@rule("RNN")
def _rnn(body: Body) -> None:
    """``h = f(x W + h R + b)``."""

    def prepared(steps: Steps, _: Sequence[int]) -> Step:
        def step(x: str, h: str, c: str) -> tuple[str, str]:
            return steps.active("h", steps.with_state("gates", x, h, steps.recurrent), 0), c

        return step

    Recurrence(body, 1).write(prepared)


@rule("GRU")
def _gru(body: Body) -> None:
    """``h = (1 - z) n + z h = n + z (h - n)``; gates in the order z, r, n."""
    recurrence = Recurrence(body, 3)
    linear_before_reset = body.attributes.get("linear_before_reset", 0)

    def prepared(steps: Steps, directions: Sequence[int]) -> Step:
        sizes = [2 * steps.hidden, steps.hidden]
        gates, new = _split(body, steps.recurrent, -1, sizes)
        bias = recurrence.bias(directions, [5])

        def before(x_gates: str, x_new: str, h: str) -> tuple[str, str]:
            """One product for all gates; r is applied to its last third."""
            product = steps.add("product", "MatMul", h, steps.recurrent)
            h_gates, h_new = _split(body, product, -1, sizes)
            z, r = steps.both(steps.add("gates", "Add", x_gates, h_gates))
            if bias is not None:
                h_new = steps.add("biased", "Add", h_new, bias)
            return z, steps.add("new", "Add", x_new, steps.add("reset", "Mul", r, h_new))

        def after(x_gates: str, x_new: str, h: str) -> tuple[str, str]:
            """r is applied to the state before its second product."""
            z, r = steps.both(steps.with_state("gates", x_gates, h, gates))
            return z, steps.with_state("new", x_new, steps.add("reset", "Mul", r, h), new)

        def step(x: str, h: str, c: str) -> tuple[str, str]:
            x_gates, x_new = _split(body, x, -1, sizes)
            z, n = (before if linear_before_reset else after)(x_gates, x_new, h)
            n = steps.active("n", n, 1)
            change = steps.add("change", "Mul", z, steps.add("gap", "Sub", h, n))
            return steps.add("h", "Add", n, change), c

        return step

    recurrence.write(prepared)


@rule("LSTM")
def _lstm(body: Body) -> None:
    """``c = f c + i g``, ``h = o act(c)``; gates in the order i, o, f, g.

    ``tanh(x) = 2 sigmoid(2 x) - 1``: with the weights of g doubled, one table gives all gates, and
    ``i g = i (2 s) - i``.
    """
    recurrence = Recurrence(body, 4)
    coupled = body.attributes.get("input_forget", 0)

    def prepared(steps: Steps, directions: Sequence[int]) -> Step:
        peepholes = recurrence.peepholes(directions)

        def seen(gate: str, x: str, c: str, place: int) -> str:
            """A gate that sees the cell state."""
            if not peepholes:
                return x
            return steps.add(f"{gate}/sum", "Add", x, steps.add(gate, "Mul", c, peepholes[place]))

        def separately(x: str, c: str) -> tuple[str, str, str, str]:
            """All but o, which may see the new cell state."""
            i, o, f, g = steps.parts("parts", x, 4)
            i = steps.active("i", seen("i/peephole", i, c, 0), 0)
            if not coupled:
                f = steps.active("f", seen("f/peephole", f, c, 2), 0)
            return i, o, f, steps.active("g", g, 1)

        def together(x: str) -> tuple[str, str, str, str]:
            """All gates, the last one as 2 s."""
            i, o, f, s = steps.parts("parts", steps.active("active", x, 0), 4)
            return i, o, f, steps.add("twice", "Mul", s, body.constant(2.0))

        def step(x: str, h: str, c: str) -> tuple[str, str]:
            x = steps.with_state("gates", x, h, steps.recurrent)
            i, o, f, g = together(x) if recurrence.doubled else separately(x, c)
            if coupled:
                f = steps.add("f/rest", "Sub", body.constant(1.0), i)
            kept, new = steps.add("kept", "Mul", f, c), steps.add("new", "Mul", i, g)
            if recurrence.doubled:
                new = steps.add("added", "Sub", new, i)
            c = steps.add("c", "Add", kept, new)
            if not recurrence.doubled:
                o = steps.active("o", seen("o/peephole", o, c, 1), 0)
            return steps.add("h", "Mul", o, steps.active("act", c, 2)), c

        return step

    recurrence.write(prepared)


class Recurrence:
    """What the three operators have in common: inputs, directions, lengths and outputs."""

    def __init__(self, body: Body, gates: int):
        self.body, self.gates = body, gates
        self.batch_first = bool(body.attributes.get("layout", 0))
        steps, batch, _ = body.shape
        if self.batch_first:
            steps, batch = batch, steps
        self.batch = batch
        weights, recurrent = (body.shapes[body.inputs[i]] for i in (1, 2))
        self.directions, self.hidden = weights[0], recurrent[2]
        direction = body.attributes.get("direction", "forward")
        self.backward = {"forward": [0], "reverse": [1], "bidirectional": [0, 1]}[direction]
        if len(self.backward) != self.directions or body.attributes.get("hidden_size") not in (
            None,
            self.hidden,
        ):
            raise ValueError("attributes that are not those of the weights")
        self.length = steps
        self.lengths = self._lengths(steps)
        if (longest := max(self.lengths)) > MAX_STEPS:
            raise UnsupportedError(
                f"{longest} steps, and MAX_STEPS is {MAX_STEPS}: prove the sequence in pieces, "
                "each with the states that the one before ends in"
            )
        self.activations = self._activations()
        known = [Activation("sigmoid", ()), Activation("tanh", ())]
        plain = all(each[:2] == known for each in self.activations)
        self.doubled = (
            gates == 4 and plain and "clip" not in body.attributes and not body.optional(7)
        )

    def _lengths(self, steps: int) -> list[int]:
        name = self.body.optional(4)
        if not name:
            return [steps] * self.batch
        found = self.body.known(name)
        if found is None:
            raise UnsupportedError(
                "sequence_lens is computed by the model or an input of it, and a circuit has a "
                "fixed number of steps: fix it in the model, one circuit for each length"
            )
        lengths = [int(n) for n in found.reshape(-1)]
        if len(lengths) != self.batch or not all(1 <= n <= steps for n in lengths):
            raise UnsupportedError(f"sequence_lens {lengths[:8]}, which are not from 1 to {steps}")
        return lengths

    def _activations(self) -> list[list[Activation]]:
        """Of each direction; alphas and betas go to those that have them, in order."""
        attributes = self.body.attributes
        given = attributes.get("activations")
        if given is None:
            given = DEFAULTS[self.body.node.op_type] * self.directions
        alphas = list(attributes.get("activation_alpha", []))
        betas = list(attributes.get("activation_beta", []))
        made = []
        for item in given:
            name = (item.decode() if isinstance(item, bytes) else item).lower()
            if name not in ACTIVATIONS:
                raise UnsupportedError(f"activation {name!r}; there are {', '.join(ACTIVATIONS)}")
            values = list(ACTIVATIONS[name][1])
            for place, queue in enumerate((alphas, betas)):
                if queue and place < len(values):
                    values[place] = queue.pop(0)
            made.append(Activation(name, tuple(values)))
        each = len(DEFAULTS[self.body.node.op_type])
        if len(made) != each * self.directions:
            raise ValueError("another number of activations")
        return [made[at : at + each] for at in range(0, len(made), each)]

    # -- weights, of which nothing but the shape is looked at

    def _of(self, position: int, direction: int) -> str:
        """A direction's part of a weight."""
        index = self.body.constant(direction, np.int64)
        return self.body.add("Gather", [self.body.inputs[position], index], axis=0)

    def _doubled(self, x: str) -> str:
        """With the rows of the last gate doubled, where one table gives all gates."""
        if not self.doubled:
            return x
        factors = np.repeat([1.0, 1.0, 1.0, 2.0], self.hidden)
        rank = len(self.body.shapes[self.body.inputs[1]]) - 1
        return self.body.add("Mul", [x, self.body.constant(factors.reshape(-1, *[1] * (rank - 1)))])

    def _matrix(self, position: int, direction: int) -> str:
        """Weights of one direction, transposed: (inputs or hidden, gates * hidden)."""
        weights = self._doubled(self._of(position, direction))
        return self.body.add("Transpose", [weights], perm=[1, 0])

    def _stacked(self, each: Sequence[str], shape: Sequence[int]) -> str:
        """One tensor of ``shape`` for each direction; of two along a new first axis."""
        if len(each) == 1:
            return each[0]
        parts = [self.body.reshaped(x, (1, *shape)) for x in each]
        return self.body.add("Concat", parts, axis=0)

    def _bias_parts(self, direction: int) -> list[str]:
        """Biases of a direction, of ``hidden`` elements each: inputs' gates, then the state's."""
        return _split(self.body, self._of(3, direction), 0, [self.hidden] * 2 * self.gates)

    def bias(self, directions: Sequence[int], places: Sequence[int]) -> str | None:
        """Some biases side by side: (hidden * places), after (directions, 1) if two."""
        if not self.body.optional(3):
            return None
        each = []
        for direction in directions:
            parts = self._bias_parts(direction)
            each.append(self.body.add("Concat", [parts[i] for i in places], axis=0))
        return self._stacked(each, (1, len(places) * self.hidden))

    def peepholes(self, directions: Sequence[int]) -> list[str]:
        """Of the gates i, o, f, each as :meth:`bias`."""
        if self.gates != 4 or not self.body.optional(7):
            return []
        each = [_split(self.body, self._of(7, d), 0, [self.hidden] * 3) for d in directions]
        return [
            self._stacked([parts[gate] for parts in each], (1, self.hidden)) for gate in range(3)
        ]

    def _first_bias(self, direction: int) -> str:
        """What is added in front of the steps: all biases but one behind a reset gate."""
        inputs, states = np.split(np.array(self._bias_parts(direction)), 2)
        late = self.gates == 3 and self.body.attributes.get("linear_before_reset", 0)
        sums = [
            x if late and gate == 2 else self.body.add("Add", [x, y])
            for gate, (x, y) in enumerate(zip(inputs.tolist(), states.tolist(), strict=True))
        ]
        joined = self.body.add("Concat", sums, axis=0)
        if not self.doubled:
            return joined
        factors = np.repeat([1.0, 1.0, 1.0, 2.0], self.hidden)
        return self.body.add("Mul", [joined, self.body.constant(factors)])

    # -- inputs and outputs

    def _reversed(self, x: str, shape: Sequence[int]) -> str:
        """Along the steps, each sequence within its length; ``shape`` starts with steps, batch."""
        steps, batch, *rest = shape
        if len(set(self.lengths)) == 1:
            places = list(range(self.lengths[0]))[::-1] + list(range(self.lengths[0], steps))
            return self.body.add("Gather", [x, self.body.constant(places, np.int64)], axis=0)
        index = [
            (n - 1 - t if t < n else t) * batch + b
            for t in range(steps)
            for b, n in enumerate(self.lengths)
        ]
        flat = self.body.reshaped(x, (steps * batch, *rest))
        moved = self.body.add("Gather", [flat, self.body.constant(index, np.int64)], axis=0)
        return self.body.reshaped(moved, shape)

    def _initial(self, position: int, directions: Sequence[int]) -> str:
        """The states before the first step, zero if absent: (1, [2], batch, hidden)."""
        lead = [len(directions)] if len(directions) > 1 else []
        shape = (1, *lead, self.batch, self.hidden)
        if not self.body.optional(position):
            return self.body.constant(np.zeros(shape))
        x = self.body.inputs[position]
        if self.batch_first:
            x = self.body.add("Transpose", [x], perm=[1, 0, 2])
        index = self.body.constant(list(directions), np.int64)
        return self.body.reshaped(self.body.add("Gather", [x, index], axis=0), shape)

    def write(self, prepared: Callable[[Steps, Sequence[int]], Step]) -> None:
        """Writes the operator out; ``prepared`` gives the step of some directions."""
        body = self.body
        x = body.inputs[0]
        if self.batch_first:
            x = body.add("Transpose", [x], perm=[1, 0, 2])
        alike = all(each == self.activations[0] for each in self.activations)
        every = list(range(self.directions))
        groups = [every] if alike else [[direction] for direction in every]
        found = [self._run(x, group, prepared) for group in groups]
        for position, output in enumerate(body.outputs):
            if not output:
                continue
            parts = [tensors[position] for tensors in found]
            axis = 1 if position == 0 else 0
            y = body.add("Concat", parts, axis=axis) if len(parts) > 1 else parts[0]
            order = [2, 0, 1, 3] if position == 0 else [1, 0, 2]
            if self.batch_first:
                body.add("Transpose", [y], output, perm=order)
            else:
                body.add("Identity", [y], output)

    def _run(
        self, x: str, directions: Sequence[int], prepared: Callable[[Steps, Sequence[int]], Step]
    ) -> list[str]:
        """Y (steps, directions, batch, hidden), Y_h and Y_c (directions, batch, hidden)."""
        body, batch, hidden, width = self.body, self.batch, self.hidden, self.gates * self.hidden
        shape = (self.length, batch, body.shape[2])
        each = [self._reversed(x, shape) if self.backward[d] else x for d in directions]
        if len(each) > 1:
            each = [body.reshaped(own, (shape[0], 1, *shape[1:])) for own in each]
            each = [body.add("Concat", each, axis=1)]
        weights = self._stacked([self._matrix(1, d) for d in directions], (shape[2], width))
        inputs = body.add("MatMul", [each[0], weights])
        if body.optional(3):
            biases = [self._first_bias(direction) for direction in directions]
            inputs = body.add("Add", [inputs, self._stacked(biases, (1, width))])
        recurrent = self._stacked([self._matrix(2, d) for d in directions], (hidden, width))
        steps = Steps(body, recurrent, hidden, self.activations[directions[0]])
        step = prepared(steps, directions)
        h = self._initial(5, directions)
        c = self._initial(6, directions) if self.gates == 4 else ""
        states, cells = [], []
        for part in _split(body, inputs, 0, [1] * self.length)[: max(self.lengths)]:
            h, c = step(part, h, c)
            states.append(h)
            cells.append(c)
        lead = len(directions)
        ends = [self._ends(each, lead) for each in (states, cells)[: 2 if c else 1]]
        return [self._sequence(states, directions), *ends]

    def _ends(self, states: Sequence[str], lead: int) -> str:
        """The last state of each sequence: (directions, batch, hidden)."""
        body, batch, hidden = self.body, self.batch, self.hidden
        if len(set(self.lengths)) == 1:
            return body.reshaped(states[-1], (lead, batch, hidden))
        joined = body.add("Concat", states, axis=0)
        flat = body.reshaped(joined, (len(states) * lead * batch, hidden))
        index = [
            ((n - 1) * lead + d) * batch + b
            for d in range(lead)
            for b, n in enumerate(self.lengths)
        ]
        taken = body.add("Gather", [flat, body.constant(index, np.int64)], axis=0)
        return body.reshaped(taken, (lead, batch, hidden))

    def _sequence(self, states: Sequence[str], directions: Sequence[int]) -> str:
        """All states in the order of the input, zero behind the end of a sequence."""
        body, batch, hidden, lead = self.body, self.batch, self.hidden, len(directions)
        steps, whole = len(states), (self.length, lead, batch, hidden)
        y = body.add("Concat", states, axis=0) if steps > 1 else states[0]
        if steps < self.length:
            rest = (self.length - steps, *([lead] if lead > 1 else []), batch, hidden)
            y = body.add("Concat", [y, body.constant(np.zeros(rest))], axis=0)
        y = body.reshaped(y, whole)
        if min(self.lengths) < steps:
            inside = np.arange(self.length)[:, None] < np.array(self.lengths)
            mask = np.broadcast_to(inside[:, None, :, None], (self.length, 1, batch, 1))
            y = body.add("Where", [body.constant(mask, np.bool_), y, body.constant(0.0)])
        backward = [self.backward[direction] for direction in directions]
        if not any(backward):
            return y
        parts = _split(body, y, 1, [1] * lead) if lead > 1 else [y]
        shape = (self.length, batch, 1, hidden)
        turned = []
        for part, back in zip(parts, backward, strict=True):
            if back:
                flat = body.add("Transpose", [part], perm=[0, 2, 1, 3])
                flat = self._reversed(flat, shape)
                part = body.add("Transpose", [flat], perm=[0, 2, 1, 3])
            turned.append(part)
        return body.add("Concat", turned, axis=1) if lead > 1 else turned[0]


def _split(
    body: Body, x: str, axis: int, sizes: Sequence[int], shared: str | None = None
) -> list[str]:
    """Parts of given lengths along an axis; ``shared`` is their name in all steps."""
    first = body.add("Split", [x], axis=axis)
    node = body.nodes[-1]
    if body.opset >= 13:
        body.nodes.pop()
        lengths = body.constant(list(sizes), np.int64)
        body.nodes.append(node)
        node.input.append(lengths)
    else:
        node.attribute.append(body.helper.make_attribute("split", list(sizes)))
    names = [f"{first}/{place}" for place in range(len(sizes))]
    del node.output[:]
    node.output.extend(names)
    if shared is not None:
        note(node, SCALE, shared)
    return names
