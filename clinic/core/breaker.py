import time


class Breaker:
    """After a failure, refuse at once for a while instead of waiting for the same timeout again.

    One float is read and written: threads need no lock.
    """

    def __init__(self, down: type[Exception], *, open_for_s: float):
        self._down = down
        self._open_for_s = open_for_s
        self._closed_again_at = 0.0

    def check(self) -> None:
        """Raise the store's 'down' error while the breaker is open."""
        if time.monotonic() < self._closed_again_at:
            raise self._down

    def trip(self) -> None:
        self._closed_again_at = time.monotonic() + self._open_for_s

    def reset(self) -> None:
        self._closed_again_at = 0.0
