"""Starts programs, restarts those that die, stops them in order."""

import contextlib
import os
import signal
import subprocess
import time

from clinic.ops.servers.errors import ServerError
from clinic.ops.servers.lifeline import new_lifeline
from clinic.ops.servers.service import NotReady

READY_SECONDS = 60
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 15
# A program that lived this long counts as healthy again: its next restart is immediate.
HEALTHY_SECONDS = 10


class Child:
    """One service and its current process."""

    def __init__(self, service, data_dir, lifeline):
        self.service = service
        self._data_dir = data_dir
        self._lifeline = lifeline
        self._pause = FIRST_PAUSE_SECONDS
        self._restart_at = None
        self.process = None

    def spawn(self):
        """Its own session: Ctrl-C in the terminal reaches the supervisor only, which stops in order."""
        service = self.service
        with self._data_dir.open_log(service.name) as log:
            self.process = subprocess.Popen(
                [str(part) for part in service.argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=service.env,
                cwd=service.cwd,
                start_new_session=True,
                pass_fds=[self._data_dir.lock_fd],
                preexec_fn=self._lifeline.before_exec(service.stop_signal),
                **service.popen_arguments,
            )
        self._lifeline.attach(self.process.pid, service.stop_signal)
        self._spawned_at = time.monotonic()

    def wait_ready(self, stop, seconds=READY_SECONDS):
        """Return when the service answers; ServerError when it ends or takes too long."""
        deadline = time.monotonic() + seconds
        while True:
            if self.process.poll() is not None:
                raise self._failure(f"ended with status {self.process.returncode} while starting")
            try:
                self.service.check_ready()
                return
            except NotReady as reason:
                if time.monotonic() > deadline:
                    raise self._failure(f"did not answer within {seconds} s ({reason})") from None
            stop.sleep(0.03)

    def _failure(self, what: str) -> ServerError:
        log = self._data_dir.log_path(self.service.name)
        tail = self._data_dir.log_tail(self.service.name)
        return ServerError(f"{self.service.name} {what}. The end of {log}:\n{tail}")

    def restart_if_dead(self, report):
        """Restart at once after a healthy life, else after a pause that doubles."""
        if self.process.poll() is None:
            return
        now = time.monotonic()
        if self._restart_at is None:
            self._bury()
            healthy = now - self._spawned_at > HEALTHY_SECONDS
            self._pause = FIRST_PAUSE_SECONDS if healthy else min(self._pause * 2, LONGEST_PAUSE_SECONDS)
            self._restart_at = now + self._pause
            report(f"{self.service.name} ended with status {self.process.returncode}; starting it again.")
        elif now >= self._restart_at:
            self._restart_at = None
            self.spawn()

    def _bury(self):
        """Take along what a killed program left in its process group, such as its workers."""
        self._lifeline.detach(self.process.pid)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def ask_to_stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(self.service.stop_signal)

    def wait_stopped(self):
        if not self.process:
            return
        try:
            self.process.wait(self.service.stop_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._bury()


class Supervisor:
    """Runs in one thread: the kernel's death signal follows the thread that started the child."""

    def __init__(self, data_dir, stop, report):
        self.data_dir = data_dir
        self.stop = stop
        self._report = report
        self._lifeline = new_lifeline()
        self._groups = []

    def start(self, services):
        """Start services side by side and return when all of them answer."""
        group = []
        self._groups.append(group)
        for service in services:
            child = Child(service, self.data_dir, self._lifeline)
            group.append(child)
            child.spawn()
        for child in group:
            child.wait_ready(self.stop)

    def watch(self):
        """One look at every child; call it often."""
        for group in self._groups:
            for child in group:
                child.restart_if_dead(self._report)

    def run_until_stopped(self):
        while not self.stop.requested:
            self.watch()
            time.sleep(0.1)

    def run_command(self, argv, env, *, cwd=None, own_session=False, seconds_to_end=5.0) -> int:
        """Run a command to its end while watching the servers; returns its status.

        With own_session Ctrl-C reaches us alone. Without, the command has had it too, and gets a
        moment to end in its own way.
        """
        death_signal = self._lifeline.before_exec(signal.SIGTERM)
        process = subprocess.Popen(argv, env=env, cwd=cwd, start_new_session=own_session, preexec_fn=death_signal)
        self._lifeline.attach(process.pid, signal.SIGTERM)
        while process.poll() is None and not self.stop.requested:
            self.watch()
            time.sleep(0.05)
        if process.poll() is None:
            if own_session or self.stop.number != signal.SIGINT:
                process.terminate()
            _end(process, seconds_to_end)
        self._lifeline.detach(process.pid)
        return process.returncode

    def shutdown(self):
        """Last started, first stopped: the web processes before the servers that they use."""
        for group in reversed(self._groups):
            for child in group:
                child.ask_to_stop()
            for child in group:
                child.wait_stopped()
        self._groups.clear()
        self._lifeline.close()


def _end(process, seconds):
    """Wait for it, then tell it, then make it."""
    for action in (process.terminate, process.kill):
        try:
            process.wait(seconds)
            return
        except subprocess.TimeoutExpired:
            action()
    process.wait()
