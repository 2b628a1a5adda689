"""How far a long command is."""

import time


class ProgressBar:
    """One line for each table: on a terminal it grows in place, in a file it is written when the table is done."""

    WIDTH = 30

    def __init__(self, out):
        self._out, self._in_place, self._began = out, out.isatty(), time.monotonic()
        self._title = self._line = ""

    def __call__(self, title: str, done: int, total: int | None) -> None:
        if title != self._title:
            self.finish()
            self._title = title
        filled = "#" * (self.WIDTH * done // total) if total else ""
        count = f"{done:,}" if done else ""
        self._line = f"  {title:<24}{count:>11} {filled:<{self.WIDTH}} {time.monotonic() - self._began:6.0f} s"
        if self._in_place:
            self._out.write(f"\r{self._line}", ending="")
            self._out.flush()

    def finish(self) -> None:
        if self._line:
            self._out.write("" if self._in_place else self._line)
        self._line = ""
