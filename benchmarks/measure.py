"""Time and memory of what runs in this process and in others."""

import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Spent:
    """Milliseconds: by the clock, and of the processor in all threads of this process."""

    wall: float
    processor: float


def spent(work: Callable[[], Any]) -> Spent:
    """Return the time of one piece of work."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return Spent((time.perf_counter() - wall) * 1_000, (time.process_time() - processor) * 1_000)


def better(first: Spent, second: Spent) -> Spent:
    """Return the smaller times: the rest was the business of others on the machine."""
    return Spent(min(first.wall, second.wall), min(first.processor, second.processor))


def percentiles(times: Sequence[float]) -> dict[str, float]:
    """Return the median and the 95th percentile."""
    ordered = sorted(times)
    high = ordered[max(-(-len(ordered) * 95 // 100) - 1, 0)]
    return {"p50": round(statistics.median(ordered), 3), "p95": round(high, 3)}


class Source:
    """Rows for a system to take in, with the time of making them kept apart."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self._rows = iter(rows)
        self.wall = self.processor = 0.0  # seconds

    def __iter__(self) -> Iterator[Any]:
        while True:
            wall, processor = time.perf_counter(), time.thread_time()
            row = next(self._rows, self)
            self.wall += time.perf_counter() - wall
            self.processor += time.thread_time() - processor
            if row is self:
                return
            yield row


def filled(fill: Callable[[Iterable[Any]], object], rows: Iterable[Any]) -> dict[str, float]:
    """Return the seconds of taking in rows, without those of making them."""
    source = Source(rows)
    took = spent(lambda: fill(source))
    return {
        "wall": round(took.wall / 1_000 - source.wall, 2),
        "processor": round(took.processor / 1_000 - source.processor, 2),
    }


def memory() -> dict[str, float]:
    """Return the megabytes of this process: its own, mapped from files, and at its greatest."""
    sizes = dict(re.findall(r"(\w+):\s+(\d+) kB", Path("/proc/self/status").read_text()))
    named = {"own": "RssAnon", "mapped": "RssFile", "greatest": "VmHWM"}
    return {name: round(int(sizes[field]) / 1_024, 1) for name, field in named.items()}


def elsewhere(module: str, **arguments: object) -> Mapping[str, Any]:
    """Run a module of ours in a process of its own; return the JSON it prints last."""
    command = [sys.executable, "-m", module, json.dumps(arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def disk(path: Path) -> float:
    """Return the megabytes of a file, or of all files in a folder."""
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    return round(sum(file.stat().st_size for file in files) / 1_048_576, 1)
