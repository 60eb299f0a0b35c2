"""ezkl's settings file: how we fill it in, and the one form it is kept in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from verifai.backends.options import EzklOptions
from verifai.circuit import Visibility
from verifai.circuit.visibility import Role
from verifai.errors import LimitError, MalformedError, UsageError
from verifai.limits import MAX_HEADER_BYTES
from verifai.proof.codec import check_json_depth

#: ezkl's words for our visibilities. ``hashed`` is a Poseidon digest, public, without blinding.
_EZKL_VISIBILITY: Final = {"public": "public", "committed": "hashed/public", "private": "private"}


def one_word(visibility: Visibility, role: Role) -> str:
    """The word for all inputs, or for all outputs.

    Raises:
        UsageError: there are words by name.
    """
    word: str | Mapping[str, str] = getattr(visibility, role)
    if isinstance(word, str):
        return word
    raise UsageError(
        f"The backend ezkl has one visibility for all {role}s.",
        hint=f"Give one word, Visibility({role}='private'), or compile with the native backend.",
    )


def run_args(visibility: Visibility, options: EzklOptions) -> dict[str, Any]:
    """Attributes for ``PyRunArgs``.

    Weights are always ``fixed``: constants of the verifying key. With ezkl's ``private`` weights
    a proof would say that *some* weights gave this output, and bind no model.
    """
    return {
        "input_visibility": _EZKL_VISIBILITY[one_word(visibility, "input")],
        "output_visibility": _EZKL_VISIBILITY[one_word(visibility, "output")],
        "param_visibility": "fixed",
        **options.run_arguments(),
    }


def canonical(text: str) -> bytes:
    """Settings in the one form that gives the same verifying key every time.

    ezkl writes lookups, range checks and einsum equations in hash-set order, and that order
    decides the column layout: the same model would get another key at each compilation. Sorted,
    and with the time stamp zeroed, settings and key come out identical (16 times of 16 measured).
    """
    settings = load(text)
    settings["timestamp"] = 0
    for name in ("required_lookups", "required_range_checks"):
        settings[name] = sorted(settings[name], key=_order)
    einsum = settings.get("einsum_params")
    if einsum:
        einsum["equations"] = sorted(einsum["equations"], key=_order)
    return json.dumps(settings, sort_keys=True, separators=(",", ":")).encode("ascii")


def load(text: str | bytes) -> dict[str, Any]:
    """Parse settings, perhaps from a stranger's key, and check that what we rely on is there.

    Raises:
        MalformedError, LimitError: it is not.
    """
    data = text.encode() if isinstance(text, str) else text
    if len(data) > MAX_HEADER_BYTES:
        raise LimitError(f"ezkl settings of {len(data)} bytes: MAX_HEADER_BYTES is exceeded.")
    check_json_depth(data)
    try:
        settings = json.loads(data)
        arguments = settings["run_args"]
        arguments["logrows"], arguments["lookup_range"], arguments.items()
        for name in ("input", "output"):
            if not isinstance(settings[f"model_{name}_scales"], list):
                raise TypeError(f"model_{name}_scales")
        settings["required_lookups"], settings["required_range_checks"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MalformedError(f"The ezkl settings are not what ezkl 23 writes: {error!r}.") from None
    return dict(settings)


def log_rows(settings: Mapping[str, Any]) -> int:
    """log2 of the circuit's rows: the size of the reference string it needs."""
    value = settings["run_args"]["logrows"]
    if type(value) is not int or not 1 <= value <= 26:
        raise MalformedError(f"ezkl settings with logrows {value!r}: 1 to 26 are possible.")
    return value


def _order(item: Any) -> str:
    return json.dumps(item, sort_keys=True)


def visibility(written: Any) -> str | None:
    """Our word for a visibility as ezkl writes it into its settings, or None."""
    if written in ("Public", "Private"):
        return str(written).lower()
    hashed = written.get("Hashed") if isinstance(written, dict) else None
    public = isinstance(hashed, dict) and hashed.get("hash_is_public") is True
    return "committed" if public else None
