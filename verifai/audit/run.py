"""Enumerate, rebuild, verify, apply the policy.

======  ============  ==================================================================
number  name          what it asks; what a failure means
======  ============  ==================================================================
A1      calldata      the event decodes, the transaction holds the proof, has the hash that
                      the event names and bears the publisher's signature: *unchecked*
A2      key           a key with the claimed digest is known: *unchecked*
A3      bundle        calldata give a bundle of this key, the one the event names: *foreign*
A4      statement     its statement is the one the event names: *foreign*
A5      contract      what accepted the proof is shown to be the key's verifier: a warning
A6      verification  stands for checks 1-7 of :mod:`verifai.verifier.verify`, which are
                      listed under their own numbers: *false*
A7      policy        the policy's demands on one proof are met: *policy*
======  ============  ==================================================================

Anyone can publish a record that claims a key. It is *false* only where its proof is refused by the
checks 1 to 7, and what accepted it is the key's verifier: of a native record, this package's for a
circuit that the key compiles to; of any other, the contract that the key compiles to. Otherwise it
is *foreign*, no record of this key, or *unchecked* where that cannot be found out. What a publisher
only says (digests, a context that no statement has) makes no proof false: a record that says it
wrongly is *foreign* too, with the reason.

Whatever keeps a check from being run makes the record *unchecked* too: not knowing is never
written down as a lie, nor a lie as not knowing. An error in one record never stops the others,
and nothing is left out.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence

from verifai.audit.collect import AuditedChain, GivenKeys, key_finder
from verifai.audit.entry import EXIT_CODES, Entry
from verifai.audit.examine import Examiner
from verifai.audit.policy import Policy
from verifai.audit.report import Report
from verifai.audit.summary import Problem
from verifai.errors import SetupError, UsageError, explained
from verifai.progress import Progress, reporting
from verifai.version import __version__


def run(
    chain: AuditedChain | Sequence[AuditedChain],
    policy: Policy | None = None,
    *,
    keys: GivenKeys = None,
    out: str | os.PathLike[str] | None = None,
    progress: Progress | bool | None = None,
) -> Report:
    """Re-check everything that was published on ``chain``.

    Args:
        chain: from :func:`verifai.chain.connect`, or several of them for one report: the policy is
            then about what all of them hold together, each record says which chain it is of, and
            what one chain's node fails to tell never hides the others.
        policy: demands beyond validity; None demands nothing.
        keys: the verifying keys to use, or a store of them, or its path (a folder or one file);
            default the store in the data folder. Of a store, every ``.vfk`` file counts, whatever
            its name. A key is used for exactly the records that claim its digest.
        out: a folder for ``report.json`` and ``report.html``, as :meth:`Report.save`.
        progress: see :func:`verifai.progress.reporting`.

    Returns:
        A report on every record; it is returned also when the node fails on the way, and then says
        so.

    Raises:
        UsageError: ``out`` holds other files, ``keys`` does not exist or are none, ``policy`` is
            none, or there is no chain, or one twice; nothing was read.
        MalformedError: a key is what no file can hold.
    """
    if out is not None:
        Report.check_folder(out)  # before the long work
    chains: Sequence[AuditedChain] = chain if isinstance(chain, Sequence) else (chain,)
    if not chains or len({id(one) for one in chains}) != len(chains):
        raise UsageError("An audit is of one chain, or of several different ones.")
    if policy is not None and not isinstance(policy, Policy):
        raise UsageError(
            f"A policy is a Policy, found {policy!r:.80}.",
            hint="Policy(minimum_proofs=1), or Policy.load(file)",
        )
    now = int(time.time())
    find = key_finder(keys)
    entries: list[Entry] = []
    problems: list[Problem] = []
    described: list[Mapping[str, str | int]] = []
    with reporting("audit", progress) as stages:
        for one in chains:
            label, before = "", len(entries)
            examiner = Examiner(one, find, policy, now)
            try:
                described.append(facts := one.describe())
                if len(chains) > 1:
                    label = f"{facts.get('chain_id', 'a chain')} at {facts.get('node', '?')}: "
                if not one.registries and not one.empty:
                    text = (
                        "no registry is known on this chain, so nothing was read; a publisher's "
                        "receipt names its own (--registry)"
                    )
                    problems.append(Problem("unchecked", label + text, EXIT_CODES["unchecked"]))
                for record in one.published():
                    stages.stage(f"proof {len(entries) + 1}, block {record.block_number}")
                    entries.append(examiner.entry(record))
            except Exception as error:
                exit_code = 6 if isinstance(error, SetupError) else 7
                count = len(entries) - before
                read = f"{count} " + ("proof" if count == 1 else "proofs")
                text = f"the history could not be read as a whole ({read} read): {explained(error)}"
                problems.append(Problem("unchecked", label + text, exit_code))
    if policy is not None:
        # One proof that was published twice, on two chains for example, is one proof.
        verified = {
            str(entry.record["bundle_digest"]): entry.statement
            for entry in entries
            if entry.verdict == "verified" and entry.statement
        }
        unmet = policy.unmet(verified.values())
        problems += [Problem("policy", text, EXIT_CODES["policy"]) for text in unmet]
    report = Report(
        _together(described),
        None if policy is None else policy.to_json(),
        tuple(entries),
        tuple(problems),
        now,
        __version__,
    )
    if out is not None:
        report.save(out)
    return report


def _together(described: Sequence[Mapping[str, str | int]]) -> dict[str, str | int]:
    """One description of all chains: each value once, in their order."""
    if len(described) == 1:
        return dict(described[0])
    names = dict.fromkeys(name for one in described for name in one)
    return {
        name: ", ".join(dict.fromkeys(str(one[name]) for one in described if name in one))
        for name in names
    }
