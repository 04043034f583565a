"""One step in a container, from its empty folder to its kept outputs."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from sealift import clock
from sealift.errors import MachineError, SealiftError, StepError
from sealift.logs import tail
from sealift.record import graph
from sealift.record.container import Exit, Mount
from sealift.record.run import StepRun
from sealift.train import metrics, points, secret, workspace
from sealift.train.cards import refuse
from sealift.train.job import Bench, Job, mounts, specification
from sealift.train.safekeeping import fetch, kept
from sealift.types import Digest

LONGEST = 3600.0
"""Seconds that are waited between two attempts at most."""


def perform(job: Job, bench: Bench) -> tuple[StepRun, SealiftError | None]:
    """Run a step to its end, with its retries; its record, and the error if it failed.

    Its folder is removed when its outputs are kept, and stays when it failed.
    """
    bench.threads.add(threading.get_native_id())
    started, begin = clock.now(), clock.monotonic()
    outputs: dict[str, Digest] = {}
    error: SealiftError | None = None
    status, attempts = 0, 0
    try:
        if fetch(job, bench):
            job = replace(job, because=f"{job.because} It goes on from checkpoints of the team.")
        with kept(job, bench) as done:
            ended, attempts = _attempts(job, bench)
            if ended.status == 0 and not ended.timed_out:
                done.set()
        status = ended.status
        if status != 0 or ended.timed_out:
            error = _failed(job, bench, ended)
        else:
            outputs = _keep(job, bench)
            workspace.remove(bench.folder(job.run, job.planned).parent)
            workspace.remove(bench.checkpoints(job))
            workspace.remove(bench.points(job))
    except OSError as fault:
        error = MachineError(
            f"Step {job.planned.name!r} cannot be run or kept: {fault.strerror or fault}.",
            where=str(fault.filename or bench.folders.runs),
            remedy="Free some space, or mend the permissions; then run `sealift train` again.",
        )
    except SealiftError as fault:
        error = fault
    record = StepRun(
        name=job.planned.name,
        status="done" if error is None else "failed",
        key=job.key,
        leaves=job.leaves,
        cached=False,
        command=job.planned.command,
        started=started,
        seconds=clock.monotonic() - begin,
        attempts=attempts,
        exit_status=status,
        inputs=job.inputs,
        outputs=outputs,
        log=bench.log(job.run, job.planned).relative_to(bench.folders.root).as_posix(),
        because=job.because,
        error="" if error is None else error.what,
        lacking=bench.engine.guarantees().lacking(specification(job, bench)),
    )
    if error is None and bench.shared is not None:
        bench.shared.offer(record)
        if job.planned.step.checkpoints:
            bench.shared.drop(job.key)
    return record, error


def _attempts(job: Job, bench: Bench) -> tuple[Exit, int]:
    step, most = job.planned.step, job.planned.step.retries + 1
    refuse(job.planned.name, step, bench.engine)
    read, hushed = mounts(job, bench), _secrets(job, bench)
    log = bench.log(job.run, job.planned)
    for number in range(1, most + 1):
        _lay_out(job, read, bench)
        spec = specification(job, bench, read)
        try:
            ended = bench.engine.run(
                msgspec.structs.replace(spec, secrets=hushed),
                timeout=step.timeout or None,
            )
        finally:
            secret.hide(log, hushed.values())
        well = ended.status == 0 and not ended.timed_out
        if well or number == most or bench.stopping.wait(pause(step.backoff, number)):
            break
        with log.open("a") as file:
            file.write(f"\n[attempt {number + 1} of {most}]\n")
    return ended, number


def _secrets(job: Job, bench: Bench) -> dict[str, str]:
    return secret.read(job.planned.step.secrets, bench.folders.root, step=job.planned.of)


def _lay_out(job: Job, read: Sequence[Mount], bench: Bench) -> None:
    """Give the step a clean folder; only checkpoints outlive an attempt."""
    step, folder = job.planned.step, bench.folder(job.run, job.planned)
    workspace.remove(folder)
    folder.mkdir(parents=True)
    workspace.copy(bench.code(job.run), folder, job.files)
    workspace.prepare(folder, read, step.writes.values())
    if step.checkpoints:
        bench.checkpoints(job).mkdir(parents=True, exist_ok=True)
    if step.curves:
        before = bench.points(job) if step.checkpoints else None
        points.begin(points.beside(bench.log(job.run, job.planned)), before)


def pause(backoff: float, failed: int) -> float:
    """Seconds to wait after so many failed attempts.

    >>> [pause(1.0, failed) for failed in (1, 2, 3, 20)]
    [1.0, 2.0, 4.0, 3600.0]
    """
    return min(LONGEST, backoff * 2.0 ** (failed - 1))


def _keep(job: Job, bench: Bench) -> dict[str, Digest]:
    """Check what the step read and wrote, and keep its outputs."""
    name, folder = job.planned.name, bench.folder(job.run, job.planned)
    for snapshot in job.snapshots:
        bench.lake.verify(snapshot)
    found = {
        output: workspace.output(folder, path, step=name)
        for output, path in job.planned.step.writes.items()
    }
    secret.refuse(found, _secrets(job, bench).values(), step=name)
    if graph.METRICS in found:
        metrics.read(found[graph.METRICS], step=name)
    return {output: bench.store.put_tree(path) for output, path in found.items()}


def _failed(job: Job, bench: Bench, ended: Exit) -> StepError:
    name, log = job.planned.name, bench.log(job.run, job.planned)
    lines = tail(log)
    said = ":\n    " + "\n    ".join(lines) if lines else "; it said nothing."
    folder = bench.folder(job.run, job.planned)
    return StepError(
        f"Step {name!r} {_ending(job, ended)}{said}",
        where=str(log),
        remedy=f"{_advice(lines)} and run `sealift train` again; what is done comes from the "
        f"cache. Its folder is kept until then: {folder}",
    )


def _advice(lines: Sequence[str]) -> str:
    """What to do about the last lines of a log.

    >>> _advice(["ModuleNotFoundError: No module named 'pandas.core'"])
    "Name the package that holds 'pandas' in the requirements, or its file in the step's `code`,"
    """
    for line in reversed(lines):
        if found := re.fullmatch(r"ModuleNotFoundError: No module named '(\w+)[\w.]*'", line):
            return (
                f"Name the package that holds {found[1]!r} in the requirements, or its file in "
                "the step's `code`,"
            )
    return "Mend it"


def _ending(job: Job, ended: Exit) -> str:
    if ended.timed_out:
        return f"did not end within {job.planned.step.timeout} seconds"
    known = {number.value: number.name for number in signal.Signals}
    if ended.status - 128 in known:
        if ended.out_of_memory:
            return f"used more memory than the {job.planned.step.memory} that it may"
        hint = ""
        if ended.status - 128 == signal.SIGKILL and job.planned.step.memory:
            hint = f"; perhaps it needs more than its {job.planned.step.memory} of memory"
        return f"was ended by {known[ended.status - 128]}{hint}"
    return f"ended with exit status {ended.status}"


__all__ = ["perform"]
