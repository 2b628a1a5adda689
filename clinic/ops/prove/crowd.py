"""Many clients at once."""

import itertools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future


def settle(outcome: Future, work: Callable) -> None:
    """Call work() and put what it returned, or its error, where another thread waits for it."""
    with _Caught() as caught:
        outcome.set_result(work())
    if caught.error:
        outcome.set_exception(caught.error)


class _Caught:
    error = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.error = error
        return True


def in_background(work: Callable) -> Future:
    """work() in a thread of its own; result() waits for it and raises its error."""
    outcome = Future()
    threading.Thread(target=settle, args=(outcome, work), daemon=True).start()
    return outcome


def all_at_once(work: Callable, *, clients: int) -> None:
    """work(number) in so many threads; the first error of one is raised here."""
    outcomes = [in_background(lambda number=number: work(number)) for number in range(clients)]
    errors = [error for outcome in outcomes if (error := outcome.exception())]
    causes = [error for error in errors if not isinstance(error, threading.BrokenBarrierError)]
    if errors:
        raise (causes or errors)[0]


def work_off(jobs: Sequence, work: Callable, *, clients: int) -> None:
    """work(job) for every job, by so many clients, each taking the next one."""
    turns = itertools.count()

    def client(_):
        while (turn := next(turns)) < len(jobs):
            work(jobs[turn])

    all_at_once(client, clients=clients)


def in_rounds(rounds: int, work: Callable, *, clients: int) -> None:
    """work(round, client) by every client in every round; each round begins for all at the same moment."""
    gate = threading.Barrier(clients)

    def client(number):
        try:
            for turn in range(rounds):
                gate.wait()
                work(turn, number)
        except BaseException:
            gate.abort()  # the others must not wait for one that is gone
            raise

    all_at_once(client, clients=clients)


class Storm:
    """Troubles that come evenly while a load makes progress: each is a call, due after its share of the jobs."""

    def __init__(self, troubles: Sequence[Callable], *, jobs: int):
        self._troubles, self._jobs = troubles, max(jobs, 1)
        self._progress = threading.Semaphore(0)

    def during(self, load: Callable[[Callable], None]) -> None:
        """load(job_done) beside the troubles; returns when both have come to their end."""
        outcome = in_background(self._run)
        try:
            load(self._progress.release)
        finally:
            self._progress.release(self._jobs)  # what is still due comes now
            outcome.result()

    def _run(self):
        seen = 0
        for number, trouble in enumerate(self._troubles, start=1):
            while seen < number * self._jobs // (len(self._troubles) + 1):
                self._progress.acquire()
                seen += 1
            trouble()
