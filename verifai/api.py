"""The verbs of the route: export, load, compile, setup, prove_weights, prove, verify."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from verifai import backends, verifier
from verifai.backends import BackendOptions, EzklOptions, NativeOptions
from verifai.backends.options import OPTIONS, Target
from verifai.circuit import SRS, Circuit, ProvingKey, Visibility
from verifai.errors import UsageError, VerificationError, shown
from verifai.model import Model, export, load
from verifai.progress import Progress, reporting
from verifai.proof import Opening, Proof, Registration, Statement, TensorClaim, VerifyingKey
from verifai.proof.model_name import model_name
from verifai.proof.reference_string import CEREMONIES
from verifai.proof.statement import check_context

__all__ = [
    "commit",
    "commitment",
    "compile",
    "export",
    "load",
    "prove",
    "prove_weights",
    "setup",
    "verify",
    "verify_link",
    "verify_model",
    "verify_opening",
]

#: Where an argument of each type comes from.
_SOURCES: Final[Mapping[type, str]] = {
    Model: "verifai.export(module, example_inputs) gives one; verifai.load(path) reads one.",
    Visibility: "verifai.Visibility(output='private') is one.",
    Circuit: "verifai.compile(model, calibration) gives one; verifai.Circuit.load(path) reads one.",
    SRS: "verifai.SRS.load(path) reads one; a public ceremony goes by its name, srs='ppot'.",
    ProvingKey: "verifai.setup(circuit)[0] is one; verifai.ProvingKey.load(path) reads one.",
    VerifyingKey: "verifai.setup(circuit)[1] is one; verifai.VerifyingKey.load(path) reads one.",
    Proof: "verifai.prove(key, inputs) gives one; verifai.Proof.load(path) reads one.",
    Registration: "verifai.prove_weights(key) is one; verifai.Registration.load(path) reads one.",
    Opening: "proof.openings[name] is one; verifai.Opening.load(path) reads one.",
    TensorClaim: "The input or output of a statement that verifai.verify returned is one.",
    NativeOptions: "verifai.NativeOptions(tolerance=0.05) is one, verifai.EzklOptions() another.",
}


def _takes(kind: type, **arguments: Any) -> None:
    for name, value in arguments.items():
        if not isinstance(value, kind):
            raise UsageError(
                f"The argument {name} is of type {kind.__name__}, not {type(value).__name__}.",
                hint=_SOURCES[kind],
            )


def _takes_optional(kind: type, **arguments: Any) -> None:
    _takes(kind, **{name: value for name, value in arguments.items() if value is not None})


def _takes_string(srs: SRS | str | None) -> None:
    if isinstance(srs, str):
        if srs not in CEREMONIES:
            raise UsageError(
                f"No public ceremony is called {srs!r}.",
                hint=f"There are {', '.join(CEREMONIES)}. A file: verifai.SRS.load(path).",
            )
    else:
        _takes_optional(SRS, srs=srs)


def compile(
    model: Model,
    calibration: Any = None,
    *,
    backend: str | None = None,
    options: BackendOptions | None = None,
    visibility: Visibility | None = None,
    target: Target = "offline",
    progress: Progress | bool | None = None,
) -> Circuit:
    """Turn a model into a circuit.

    Args:
        model: from :func:`export` or :func:`load`.
        calibration: typical inputs; they decide the fixed-point scales and the range of values that
            can be proved. An array of shape [N, ...], a dict of arrays by input name, or anything
            that gives inputs or batches of them one after another: a list, a dataset, a torch
            ``DataLoader``. The labels of pairs (x, y) are left out, which the progress says.
        backend: the proof system: ``native`` (fast; the default) or ``ezkl`` (slow; an optional
            package). Proofs of both are checked offline and on chain.
        options: what it can be told, :class:`NativeOptions` or :class:`EzklOptions`, which name
            the backend by themselves.
        visibility: what a proof discloses; default public input, public output, private weights.
        target: where proofs are checked. ``offline`` suits the prover. ``evm`` chooses, for the
            native backend, the layout that takes the least gas on a chain for one inference, and
            makes proving a little slower; ``facts["gas"]`` of the circuit say how much gas, and a
            circuit that no contract can verify is refused.
        progress: see :func:`verifai.progress.reporting`.

    Raises:
        UnsupportedError: operators without a circuit, all named at once, or a circuit that
            differs from the model by more than the tolerance: ``native`` names the node where
            precision is lost. With ``target="evm"``, a circuit that fits no contract.
        InputError: calibration data of the wrong shape, NaN or infinite.
        MissingExtraError: the backend's package is not installed.
    """
    _takes(Model, model=model)
    _takes_optional(Visibility, visibility=visibility)
    if target not in ("offline", "evm"):
        raise UsageError(f"The target is 'offline' or 'evm', not {target!r}.")
    options = _options(backend, options)
    several = hasattr(calibration, "__iter__") or hasattr(calibration, "__getitem__")
    if isinstance(calibration, str) or not several:
        raise UsageError(
            f"compile needs typical inputs as calibration, not {type(calibration).__name__}.",
            hint=_read(calibration) or _calibration_of(model),
        )
    with reporting("compile", progress) as report:
        return backends.get(options.backend).compile(
            model, calibration, visibility or Visibility(), report, options, target
        )


def _options(backend: str | None, options: BackendOptions | None) -> BackendOptions:
    """The options that were given, or the defaults of the backend that was named."""
    if backend is not None and not (isinstance(backend, str) and backend in OPTIONS):
        there_are = " or ".join(f"backend={name!r}" for name in OPTIONS)
        raise UsageError(f"There is no backend {shown(backend)}.", hint=f"It is {there_are}.")
    if options is None:
        return OPTIONS[backend or NativeOptions.backend]()
    if not isinstance(options, EzklOptions):
        _takes(NativeOptions, options=options)
    if backend not in (None, options.backend):
        raise UsageError(
            f"The backend is {backend!r}, and the options are those of {options.backend!r}.",
            hint="Options name their backend: leave out backend.",
        )
    return options


def _read(calibration: Any) -> str | None:
    """How a file of calibration data is given, if it is one that was."""
    if not isinstance(calibration, (str, os.PathLike)):
        return None
    name = os.fspath(calibration)
    return f"A file is read first: verifai.compile(model, numpy.load({name!r:.200}))."


def _calibration_of(model: Model) -> str:
    """An example of calibration data for a model, as Python."""
    made = [
        f"{info.name!r}: numpy.random.normal(size={[64, *info.shape]})" for info in model.inputs
    ]
    return (
        "Take them from the training data: a DataLoader, a dataset, a list, or N of them in arrays "
        f"of shapes as in verifai.compile(model, {{{', '.join(made)}}})."
    )


def setup(
    circuit: Circuit, *, srs: SRS | str | None = None, progress: Progress | bool | None = None
) -> tuple[ProvingKey, VerifyingKey]:
    """Make the key pair of a circuit.

    Args:
        circuit: from :func:`compile`.
        srs: a reference string; or the name of a public ceremony, ``aztec-ignition`` or ``ppot``,
            whose string ``verifai srs fetch`` brought. None takes a development string, whose
            secret is public (native) or known to this machine (ezkl): good for tests only, and
            marked as such in every statement.

    Raises:
        UsageError: the string's size is not the circuit's, or no ceremony has that name.
        SetupError: the ceremony's string was not fetched; the hint names the command.
        MalformedError: the circuit's parts do not belong together: it names another model than
            the one that it holds, for example.
    """
    _takes(Circuit, circuit=circuit)
    _takes_string(srs)
    circuit.check_model()
    with reporting("setup", progress) as report:
        return backends.get(circuit.backend).setup(circuit, srs, report)


def prove(
    key: ProvingKey,
    inputs: Any,
    *,
    batch: bool = False,
    context: Mapping[str, str | int] | None = None,
    progress: Progress | bool | None = None,
) -> Proof:
    """Prove one inference, or a batch in one proof. What is returned has been verified.

    Args:
        key: from :func:`setup`.
        inputs: the model's input: array, tensor or nested list; several as a sequence or a dict.
            With the native backend an :class:`~verifai.proof.Opening` of another proof's output
            takes it under the same commitment. Where the model has a first axis of length 1 it
            may be left out; it is added, which the progress says and the statement's shapes show.
        batch: prove several inferences: inputs have one more axis in front, or another length of
            the model's own first axis of 1. For a model that takes [1, 28, 28] those are inputs of
            shape [64, 1, 28, 28] or [64, 28, 28].
        context: bind the proof to a chain, job, payee or nonce (backends that can).

    Raises:
        InputError: wrong shape or type, NaN, infinity, or beyond the calibrated range.
        MalformedError: a context that no proof can be read with.
        UnsupportedError: the backend cannot bind a context.
        WorkerError: the backend ran out of memory or time, stalled or crashed.
    """
    _takes(ProvingKey, key=key)
    context = check_context(context)
    with reporting("prove", progress) as report:
        return backends.get(key.circuit.backend).prove(key, inputs, batch, context, report)


def prove_weights(key: ProvingKey, *, progress: Progress | bool | None = None) -> Registration:
    """Prove, once for a key, that its committed weights are integers within their bits.

    Give it to whoever gets the verifying key: ``verify(proof, vk, registration=...)``.

    Raises:
        UnsupportedError: an ezkl key, which needs none, or more weights than one proof ranges.
    """
    _takes(ProvingKey, key=key)
    with reporting("prove weights", progress) as report:
        return backends.get(key.circuit.backend).prove_weights(key, report)


def commit(key: VerifyingKey, inputs: Any, *, batch: bool = False) -> dict[str, Opening]:
    """Commit to a circuit's committed inputs before anything is proved.

    Whoever proves is given the openings in place of the inputs; everybody else their
    :func:`commitment`, which the proof's statement will show.

    Args:
        key: of a circuit compiled with ``Visibility(input="committed")``.
        inputs, batch: as for :func:`prove`.

    Returns:
        Openings by input name, with fresh blindings: two commitments of one input share nothing.

    Raises:
        InputError: wrong shape or type, NaN, infinity, or values that the circuit cannot hold.
        UsageError, UnsupportedError: the key has no committed inputs, or its backend no openings.
    """
    from verifai.backends.native.opening import commit

    _takes(VerifyingKey, key=key)
    return commit(key, inputs, batch)


def commitment(opening: Opening, *, srs: SRS | None = None) -> str:
    """The commitment that an opening opens, as statements show it: 64 hex characters.

    Args:
        srs: the reference string; not needed for the development string, nor for a public
            ceremony's that ``verifai srs fetch`` brought.

    Raises:
        MalformedError: blindings that are no scalars, or not as many as there are rows.
        UsageError: the reference string is missing, or another one.
    """
    from verifai.backends.native.opening import commitment_of

    _takes(Opening, opening=opening)
    _takes_optional(SRS, srs=srs)
    return commitment_of(opening, srs)


def verify_opening(
    opening: Opening, claim: TensorClaim, *, srs: SRS | None = None
) -> NDArray[np.float64]:
    """Return the values behind a committed tensor of a verified statement, or raise.

    Args:
        opening: from the tensor's owner, ``proof.openings[name]``.
        claim: the tensor in a statement that :func:`verify` returned.
        srs: the reference string; not needed for the development string, nor for a public
            ceremony's that ``verifai srs fetch`` brought.

    Raises:
        VerificationError: check 10; the values are not those that were committed.
        UsageError: the tensor is not committed, or the reference string is missing.
    """
    from verifai.backends.native.opening import verify_opening

    _takes(Opening, opening=opening)
    _takes(TensorClaim, claim=claim)
    _takes_optional(SRS, srs=srs)
    return verify_opening(opening, claim, srs)


def verify_link(output: TensorClaim, input: TensorClaim) -> None:
    """Return if one proof's committed output is another's committed input, or raise.

    Both must come from statements that :func:`verify` returned. Equal commitments bind the
    integers, their shape and range, and the reference string; the scale is compared beside them.

    Raises:
        VerificationError: check 11.
        MalformedError: a claim that no statement can hold.
    """
    _takes(TensorClaim, output=output, input=input)
    output, input = output.plain(), input.plain()
    for claim in (output, input):
        if claim.commitment is None:
            raise _unlinked(f"{claim.name!r} is {claim.spec.visibility}, not committed")
    if output.spec.scale != input.spec.scale or output.shape != input.shape:
        raise _unlinked(f"{output.name!r} and {input.name!r} differ in shape or scale")
    if output.commitment != input.commitment:
        raise _unlinked(f"{output.name!r} and {input.name!r} have different commitments")


def verify_model(
    model: Model | Circuit,
    key: VerifyingKey,
    *,
    salt: bytes | None = None,
    srs: SRS | str | None = None,
) -> None:
    """Return if ``key`` is this model's as far as can be compared, or raise.

    ==========================  ================================================================
    given                       what is shown
    ==========================  ================================================================
    a model                     that the key names it: the word of the key's maker, who can write
                                one model's name over another's weights
    a circuit, and a key that   that the key is the circuit's, with its weights: it is made again
    does not hide its weights   under its own reference string, and compared whole
    a circuit, and a key that   that the key names its model and circuit and holds its operation
    hides its weights           table. That the blinded weights are the model's only their owner
                                can see.
    ==========================  ================================================================

    Args:
        model: the ONNX model, or a circuit that you compiled from it, with the same settings and
            calibration data as the key's maker.
        salt: of a key that hides its weights, from its owner: :attr:`ProvingKey.salt`.
        srs: the key's reference string, where the key is made again. Not needed for a native
            development string, nor for a public ceremony's that ``verifai srs fetch`` brought.

    Raises:
        VerificationError: check 12.
        UsageError: a salt that is missing, of another length, or that the key has no use for; a
            reference string that is missing, or another one.
        SetupError: the key is under a public ceremony's string, which was not fetched.
        MalformedError: the circuit names another model than the one that it holds.
    """
    if not isinstance(model, Circuit):
        _takes(Model, model=model)
    _takes(VerifyingKey, key=key)
    _takes_string(srs)
    key = VerifyingKey.from_bytes(key.to_bytes())
    if key.hides_weights != (salt is not None):
        raise UsageError(
            "The key hides its weights: it names the model under a salt."
            if key.hides_weights
            else "The key does not hide its weights: it names the model without a salt.",
            hint="The owner has it: ProvingKey.salt, or the file of verifai setup --salt."
            if key.hides_weights
            else "Leave the salt out.",
        )
    salted = "" if salt is None else ", or the salt is not its owner's"
    if isinstance(model, Model):
        if model_name(model.digest, salt) != key.model:
            raise _another_model(f"the key names another one{salted}")
        return
    model.check_model()
    if model.names(salt) != (key.model, key.circuit):
        raise _another_model(f"the key names another one{salted}")
    if (key.weights, key.inputs, key.outputs) != (model.weights, model.inputs, model.outputs):
        raise _another_model("names, scales or visibility are not those of this circuit")
    if model.fixed() != bytes(key.material[0]):
        raise _another_model("what the key holds is not what this circuit compiles to")
    if not key.hides_weights and _made_again(model, key, srs).digest != key.digest:
        raise _another_model("the key does not hold this circuit's weights, or it blinds them")


def _made_again(circuit: Circuit, key: VerifyingKey, srs: SRS | str | None) -> VerifyingKey:
    """The circuit's key, under the reference string that ``key`` names."""
    string = key.guarantees
    if srs is None and string.srs != "development":
        if circuit.backend != "native" or string.ceremony is None:
            raise UsageError(
                f"The key is made again to compare its weights, and its reference string "
                f"({string.string}) is not at hand.",
                hint="Give it: verify_model(..., srs=verifai.SRS.load(path)), or --srs FILE.",
            )
        srs = string.ceremony
    made = setup(circuit, srs=srs, progress=False)[1]
    if made.guarantees.srs_id != string.srs_id:
        raise UsageError(
            "The key is made again to compare its weights, and its reference string is another "
            "one than the one given."
            if srs is not None
            else "The key is made again to compare its weights, and its development string was "
            "made on another machine.",
            hint="Give the key's: verify_model(..., srs=verifai.SRS.load(path)), or --srs FILE.",
        )
    return made


def _another_model(reason: str) -> VerificationError:
    return VerificationError(f"the model: {reason}", check=12)


def _unlinked(reason: str) -> VerificationError:
    return VerificationError(f"no link: {reason}", check=11)


def verify(
    proof: Proof,
    key: VerifyingKey,
    *,
    context: Mapping[str, str | int] | None = None,
    registration: Registration | None = None,
) -> Statement:
    """Return what ``proof`` proves, or raise. See :func:`verifai.verifier.verify`.

    Raises:
        VerificationError: with the number and name of the check that failed.
        MalformedError: a context that no proof can be bound to.
    """
    _takes(Proof, proof=proof)
    _takes(VerifyingKey, key=key)
    _takes_optional(Registration, registration=registration)
    return verifier.verify(proof, key, context, registration)
