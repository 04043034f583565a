"""Where the time of ours goes, under one row of JSON in 32 connections.

CPU time of each thread from the kernel's counts; of the threads that run Python, by function, from
py-spy's samples. The samples themselves are kept beside the results.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from pathlib import Path

from benchmarks import program
from benchmarks.result import Result, folder, result
from benchmarks.serving import model
from benchmarks.serving.closed import closed
from benchmarks.serving.field import Field
from benchmarks.serving.places import WORK
from benchmarks.serving.running import Running
from benchmarks.serving.subject import as_json

MOST = 20
NATIVE = "threads without a Python function"
_TICK = os.sysconf("SC_CLK_TCK")


def measure(field: Field) -> list[Result]:
    """Shares of the time in percent."""
    found: list[Result] = []
    with field.start(field.ours) as server:
        request = as_json(server.subject, field.made.rows.first(1))
        closed(server, request, 32, 1)
        before = threads(server)
        seen = closed(server, request, 32, field.seconds)
        spent = {name: at - before.get(name, 0.0) for name, at in threads(server).items()}
        found.append(microseconds(field, spent, seen.rate * max(1.0, round(field.seconds))))
        raw = folder("serving") / "profile.folded"
        load = threading.Thread(target=closed, args=(server, request, 32, field.seconds + 2))
        load.start()
        sampled(server, raw, field.seconds)
        load.join()
    found.append(shares(field, raw.read_text()))
    return found


def threads(server: Running) -> dict[str, float]:
    """Seconds of CPU time of each thread that it has now, in the order of their starts."""
    pid = busiest(server)
    spent = {}
    tasks = sorted(int(task.name) for task in Path(f"/proc/{pid}/task").iterdir())
    for number, task in enumerate(tasks):
        name = f"thread {number + 1}" if number else "main thread: event loop and Python"
        spent[name] = used(Path(f"/proc/{pid}/task/{task}/stat")) / _TICK
    return spent


def busiest(server: Running) -> int:
    """The process of the worker: the one that has used the most CPU time."""
    return max(server.processes, key=lambda pid: used(Path(f"/proc/{pid}/stat")))


def used(stat: Path) -> int:
    """Ticks of CPU time of a process or thread (proc(5), stat); 0 when it is gone."""
    try:
        words = stat.read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(words[11]) + int(words[12])


def microseconds(field: Field, spent: dict[str, float], requests: float) -> Result:
    """CPU time of each kind of thread for one request."""
    samples = {name: [seconds / requests * 1e6] for name, seconds in spent.items() if seconds > 0}
    samples["all threads"] = [sum(spent.values()) / requests * 1e6]
    return result("CPU time a request, 1 row JSON, by thread", samples, field.where, unit="µs")


def sampled(server: Running, raw: Path, seconds: float) -> None:
    """Let py-spy look for so many seconds, without stopping the server."""
    spy = model.tools() / "bin" / "py-spy"
    raw.parent.mkdir(parents=True, exist_ok=True)
    kept = WORK / "profile.folded"
    words: program.Words = ["record", "--nonblocking", "--rate", "250", "--format", "raw"]
    length = ["--duration", str(max(1, round(seconds)))]
    pid = busiest(server)
    program.run([spy, *words, *length, "--output", kept, "--pid", str(pid)])
    raw.write_text(_told(kept.read_text()))


def _told(folded: str) -> str:
    """Stacks without the paths of this machine."""
    for path in {str(Path(os.__file__).parent), str(folder("serving").parents[2])}:
        folded = folded.replace(f"{path}/", "")
    return folded


def shares(field: Field, folded: str) -> Result:
    """Samples by the innermost function, in percent of all, those with the most."""
    seen: Counter[str] = Counter()
    for line in folded.splitlines():
        stack, _, count = line.rpartition(" ")
        place = stack.split(";")[-1].rpartition(":")[0]
        seen[f"`{place})`" if place else NATIVE] += int(count)
    total = sum(seen.values()) or 1
    samples = {name: [100 * count / total] for name, count in seen.most_common(MOST)}
    title = "time of the Python threads, 1 row JSON, by innermost function"
    return result(title, samples, field.where, unit="%", better="more")


__all__ = ["measure"]
