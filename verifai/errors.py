"""The one exception tree of the project. Nothing in here imports anything of verifai.

::

    VerifaiError                code  exit  also
    |- InternalError            VF-8    8   RuntimeError         a bug of ours
    |- UsageError               VF-2    2   ValueError           the call itself is wrong
    |- VerificationError        VF-1    1                        checked, and the claim is false
    |  `- ChainRejectedError    VF-1C   1                        a contract refused the proof
    |- MalformedError           VF-3    3   ValueError           not what the bytes or file say
    |  |- InputError            VF-3I   3   ValueError           an array's shape, type or range
    |  |- LimitError            VF-3L   3   ValueError           larger than a named limit
    |  `- MissingFileError      VF-3F   3   FileNotFoundError    no file of this name
    |- PolicyError              VF-4    4                        valid, but not as demanded
    |- UnsupportedError         VF-5    5   NotImplementedError  something verifai does not do
    |- SetupError               VF-6    6   RuntimeError         this machine lacks something
    |  |- FileAccessError       VF-6F   6   OSError              a file cannot be read or written
    |  |- MissingExtraError     VF-6X   6   ImportError          a package is not installed
    |  `- WorkerError           VF-6W   6   RuntimeError         a backend process died or hung
    |     `- WorkerTimeoutError VF-6T   6   TimeoutError         it took too long
    `- NetworkError             VF-7    7   ConnectionError      no answer: nothing was checked
       `- NetworkTimeoutError   VF-7T   7   TimeoutError         none in time

"Checked and false" (:class:`VerificationError`) and "could not check" (every other class) are
never the same class: a time-out must not look like a forgery, nor a forgery like a time-out.

Each is also the builtin exception that Python raises for the like, except for refusals
(:class:`VerificationError`, :class:`PolicyError`): an ``except ValueError`` that was meant for a
typing error must not let a forged proof pass. Inside verifai a block that catches such a builtin
lets errors of ours through first: ``except VerifaiError: raise``.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar, Final

#: All numbered checks (``docs/verification.md``).
CHECKS: Final = {
    1: "digests",
    2: "key",
    3: "circuit",
    4: "guarantees",
    5: "context",
    6: "proof length",
    7: "proof",
    8: "contract",
    9: "registration",
    10: "opening",
    11: "link",
    12: "model",
}
#: Characters of a wrong value that a message shows.
_MAX_SHOWN: Final = 80


def shown(value: Any) -> str:
    """A wrong value as a message shows it: JSON text, cut short; its type if it has no such form.

    Never fails: Python itself refuses to write integers of more than 4,300 digits.
    """
    try:
        text = json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def explained(error: Exception) -> str:
    """What went wrong, in words; of anything but an error of ours, that it is a bug."""
    if isinstance(error, VerifaiError):
        return error.message
    return f"internal error, please report it: {type(error).__name__}: {error}"


class VerifaiError(Exception):
    """Root of the tree.

    Args:
        message: one sentence that says what was expected and what was found.
        hint: one sentence that says what to do about it.
        details: JSON-able facts for programs (``--json`` prints them).
    """

    code: ClassVar[str] = "VF-8"
    exit_code: ClassVar[int] = 8

    def __init__(self, message: str, *, hint: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details

    def __str__(self) -> str:
        return f"[{self.code}] {self.message}" + (f" Hint: {self.hint}" if self.hint else "")

    def __reduce__(self) -> tuple[Any, ...]:
        """An error crosses to the process that waits for it whole, keyword arguments included."""
        return _again, (type(self), self.args), self.__dict__

    def to_dict(self) -> dict[str, Any]:
        """The error as the JSON object that every command prints with ``--json``."""
        return {
            "error": type(self).__name__,
            "code": self.code,
            "exit_code": self.exit_code,
            "message": self.message,
            "hint": self.hint,
            **self.details,
        }


def _again(kind: type[VerifaiError], args: tuple[Any, ...]) -> VerifaiError:
    """An error without its attributes, which unpickling puts back."""
    base: Any = kind
    while base.__module__ != "builtins":  # the builtin whose memory layout the error has
        base = base.__base__
    error: VerifaiError = base.__new__(kind)
    error.args = args
    return error


class InternalError(VerifaiError, RuntimeError):
    """A bug of verifai: please report it with the message."""


class UsageError(VerifaiError, ValueError):
    """The call is wrong whatever the data: a bad option, a missing argument."""

    code = "VF-2"
    exit_code = 2


class VerificationError(VerifaiError):
    """The proof does not show what it claims.

    Attributes:
        check: the number of the check that failed, one of :data:`CHECKS`.
        check_name: its name there.
    """

    code = "VF-1"
    exit_code = 1

    def __init__(
        self, message: str, *, check: int, hint: str | None = None, **details: Any
    ) -> None:
        self.check, self.check_name = check, CHECKS[check]
        super().__init__(message, hint=hint, check=check, check_name=self.check_name, **details)

    def __str__(self) -> str:
        return f"[{self.code}] check {self.check} ({self.check_name}) failed: {self.message}" + (
            f" Hint: {self.hint}" if self.hint else ""
        )


class ChainRejectedError(VerificationError):
    """A contract refused the proof, and the verifier here refuses it too; or a shipped contract
    found by itself that the proof is about something else. The transaction changed nothing."""

    code = "VF-1C"


class MalformedError(VerifaiError, ValueError):
    """Bytes that are not a canonical encoding of anything verifai reads."""

    code = "VF-3"
    exit_code = 3


class InputError(MalformedError):
    """A tensor of the wrong shape, data type or range, or one that holds NaN or infinity."""

    code = "VF-3I"


class LimitError(MalformedError):
    """Something is larger than a limit in :mod:`verifai.limits`; the message names the limit."""

    code = "VF-3L"


class MissingFileError(MalformedError, FileNotFoundError):
    """No file has the name that was given."""

    code = "VF-3F"


class PolicyError(VerifaiError):
    """What was verified is true, but is not what the caller demanded."""

    code = "VF-4"
    exit_code = 4


class UnsupportedError(VerifaiError, NotImplementedError):
    """An operator, option or version that verifai does not support.

    When operators are the cause, ``details["nodes"]`` names every one of them at once.
    """

    code = "VF-5"
    exit_code = 5


class SetupError(VerifaiError, RuntimeError):
    """This machine lacks a tool, memory, disk or permission."""

    code = "VF-6"
    exit_code = 6


class FileAccessError(SetupError, OSError):
    """A file or folder that the system does not let us read or write: permissions, a full disk."""

    code = "VF-6F"


class MissingExtraError(SetupError, ImportError):
    """An optional package is not installed; the message names the extra that brings it."""

    code = "VF-6X"


class WorkerError(SetupError):
    """A backend's worker process was killed, crashed, hung or ran out of memory."""

    code = "VF-6W"


class WorkerTimeoutError(WorkerError, TimeoutError):
    """A backend's worker process was stopped: it took too long, or did nothing."""

    code = "VF-6T"


class NetworkError(VerifaiError, ConnectionError):
    """A node did not answer or answered nonsense. Nothing was checked, nothing is known."""

    code = "VF-7"
    exit_code = 7


class NetworkTimeoutError(NetworkError, TimeoutError):
    """A node or server did not answer in time, or a transaction was not mined in time."""

    code = "VF-7T"
