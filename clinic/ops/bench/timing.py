"""Many requests, and what they took."""

import itertools
import math
import time
from collections.abc import Callable, Sequence

from clinic.ops.prove.crowd import all_at_once


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * share / 100), 1) - 1]


def milliseconds(jobs: Sequence, work: Callable, *, clients: int = 1) -> list[float]:
    """work(job) for each job, by so many clients; what each took, in ms."""
    took = [0.0] * len(jobs)
    turns = itertools.count()

    def client(_):
        while (turn := next(turns)) < len(jobs):
            began = time.perf_counter()
            work(jobs[turn])
            took[turn] = 1000 * (time.perf_counter() - began)

    all_at_once(client, clients=clients)
    return took
