"""Turns Ctrl-C and SIGTERM into an orderly stop."""

import signal
import time

from clinic.ops.servers.errors import StopRequested

TICK_SECONDS = 0.1


class StopSwitch:
    """Remembers which signal asked for a stop; waiting code looks at it.

    The handler itself only sets a flag. Raising from it could lose a child between fork and
    bookkeeping. It is set explicitly because a shell starts background jobs with SIGINT ignored.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self):
        self.number = None

    def install(self):
        for number in self.SIGNALS:
            signal.signal(number, self._request)
        return self

    def _request(self, number, frame):
        self.number = number

    @property
    def requested(self) -> bool:
        return self.number is not None

    def check(self):
        if self.requested:
            raise StopRequested

    def sleep(self, seconds: float):
        """Sleep in short steps, so that a stop is noticed within a tenth of a second."""
        end = time.monotonic() + seconds
        while True:
            self.check()
            left = end - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, TICK_SECONDS))
