"""What the supervisor needs to know about a program it keeps running."""

import signal
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Service:
    """A long-running program. Subclasses say how it is set up and when it is ready."""

    name: str
    argv: list
    env: dict | None = None
    cwd: Path | None = None
    stop_signal: int = signal.SIGTERM
    stop_seconds: float = 20
    popen_arguments: dict = field(default_factory=dict)

    def check_ready(self):
        """Raise NotReady with the reason as long as it does not answer."""


class NotReady(Exception):
    """The program runs but does not answer yet; says what it answered instead."""
