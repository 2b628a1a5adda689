"""No child outlives its supervisor, not even after kill -9.

Linux: the kernel sends the child a signal when its parent dies (PR_SET_PDEATHSIG).
Elsewhere: a small watchdog process holds the read end of a pipe that only the supervisor writes to.
The pipe closes when the supervisor is gone, however it went; the watchdog then signals the children.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1


class KernelLifeline:
    def __init__(self):
        self._libc = ctypes.CDLL(None, use_errno=True)

    def before_exec(self, stop_signal: int):
        """A function for Popen's preexec_fn: runs in the child after it changed its account,
        because that change would clear the setting."""
        prctl, parent, getppid = self._libc.prctl, os.getpid(), os.getppid

        def ask_for_signal():
            prctl(PR_SET_PDEATHSIG, stop_signal, 0, 0, 0)
            if getppid() != parent:  # it died before we asked
                os._exit(1)

        return ask_for_signal

    def attach(self, pid: int, stop_signal: int):
        pass

    def detach(self, pid: int):
        pass

    def close(self):
        pass


class WatchdogLifeline:
    def __init__(self):
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def before_exec(self, stop_signal: int):
        return None

    def attach(self, pid: int, stop_signal: int):
        self._tell(f"+ {pid} {int(stop_signal)}")

    def detach(self, pid: int):
        self._tell(f"- {pid} 0")

    def _tell(self, line: str):
        with contextlib.suppress(BrokenPipeError):  # somebody killed it; the children still stop normally
            self._watchdog.stdin.write(line.encode() + b"\n")
            self._watchdog.stdin.flush()

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self._watchdog.stdin.close()
        self._watchdog.wait()


def new_lifeline():
    forced = "CLINIC_FORCE_WATCHDOG" in os.environ  # lets Linux test what macOS uses
    return KernelLifeline() if sys.platform == "linux" and not forced else WatchdogLifeline()


def watch(lines):
    """The watchdog's whole life: note the children, and signal them when the pipe closes."""
    children = {}
    for line in lines:
        change, pid, stop_signal = line.split()
        if change == "+":
            children[int(pid)] = int(stop_signal)
        else:
            children.pop(int(pid), None)
    for pid, stop_signal in children.items():
        with contextlib.suppress(OSError):
            os.kill(pid, stop_signal)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watch(sys.stdin)
