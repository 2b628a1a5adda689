class ServerError(Exception):
    """A sentence for the person at the terminal; shown without a traceback."""


class StopRequested(Exception):
    """Ctrl-C or SIGTERM arrived; raised only at points where it is safe to unwind."""
