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


class Pace:
    """Spreads so many events evenly over the progress of a load: `due(done)` says how many are due by now."""

    def __init__(self, events: int, jobs: int):
        self._events, self._jobs = events, jobs

    def due(self, done: int) -> int:
        return self._events * done // max(self._jobs, 1)
