"""The servers of a run: restarted as soon as they die, and made to die when a chapter asks for it."""

import contextlib
import os
import queue
import signal
import threading
import time
from concurrent.futures import Future
from pathlib import Path

from clinic.ops.prove.crowd import settle
from clinic.ops.servers.service import NotReady
from clinic.ops.servers.supervisor import Child, Supervisor

TICK_SECONDS = 0.01
RESTART_PAUSE_SECONDS = 0.05


class Ward(Child):
    """A child that is meant to die often: no growing pauses, and down for as long as somebody holds it."""

    held = False

    def restart_if_dead(self, report):
        if self.held or self.process.poll() is None:
            return
        self._bury()
        time.sleep(RESTART_PAUSE_SECONDS)
        self.spawn()

    def end(self):
        self.ask_to_stop()
        self.wait_stopped()


class Fleet(Supervisor):
    """The main thread starts and restarts (the kernel ties a child to the thread that started it);
    the chapters run in another thread and ask for what they need."""

    def __init__(self, data_dir, stop, report):
        super().__init__(data_dir, stop, report)
        self._wishes = queue.SimpleQueue()

    def start(self, services):
        group = [Ward(service, self.data_dir, self._lifeline) for service in services]
        self._groups.append(group)
        for ward in group:
            ward.spawn()
        for ward in group:
            ward.wait_ready(self.stop)

    def run_beside(self, work):
        """work() in a thread of its own while the servers are kept running here; its result or its error."""
        outcome = Future()

        threading.Thread(target=settle, args=(outcome, work), name="chapters", daemon=True).start()
        while not outcome.done():
            self.stop.check()
            self.watch()
            self._grant_wishes()
            time.sleep(TICK_SECONDS)
        return outcome.result()

    def _grant_wishes(self):
        while not self._wishes.empty():
            wish, granted = self._wishes.get()
            settle(granted, wish)

    def _ask(self, wish):
        granted = Future()
        self._wishes.put((wish, granted))
        return granted.result()

    # --- For the chapters ---------------------------------------------------------------

    def begin(self, services):
        """Start services from a chapter; returns when they answer."""
        self._ask(lambda: self.start(services))

    def finish(self, services):
        """Stop services that begin() started, the last one first."""

        def stop():
            for service in reversed(services):
                for group in self._groups:
                    for ward in [ward for ward in group if ward.service is service]:
                        ward.end()
                        group.remove(ward)

        self._ask(stop)

    def kill(self, name: str):
        """kill -9; it is started again at once unless it is held down."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._ward(name).process.pid, signal.SIGKILL)

    def kill_child(self, name: str, pick) -> bool:
        """kill -9 of one process below it, such as a web worker or a session of PostgreSQL."""
        children = children_of(self._ward(name).process.pid)
        if not children:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pick(children), signal.SIGKILL)
        return True

    def stall(self, name: str, seconds: float):
        """It hangs: connections stay open and nothing answers."""
        pid = self._ward(name).process.pid
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)

    @contextlib.contextmanager
    def held_down(self, name: str):
        """Killed, and not started again until the end of the block."""
        ward = self._ward(name)
        ward.held = True
        self.kill(name)
        try:
            yield
        finally:
            ward.held = False
            self.wait_ready(name)

    def wait_ready(self, name: str, seconds: float = 60) -> float:
        """Seconds until it answered; it may still be about to be restarted."""
        began = time.monotonic()
        while True:
            try:
                self._ward(name).service.check_ready()
                return time.monotonic() - began
            except NotReady:
                if time.monotonic() - began > seconds:
                    raise
                time.sleep(0.05)

    def _ward(self, name: str) -> Ward:
        return next(ward for group in self._groups for ward in group if ward.service.name == name)


def children_of(parent: int) -> list[int]:
    """Process ids, from /proc."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                after_name = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(after_name[1]) == parent:
                    found.append(int(entry.name))
    return sorted(found)
