"""Loopback ports."""

import socket

LOOPBACK = "127.0.0.1"


def any_free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


def is_free(port: int) -> bool:
    """True if nobody listens on the port. SO_REUSEADDR: a recently closed connection is no obstacle."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        if probe.connect_ex((LOOPBACK, port)) == 0:
            return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def hold_first_free(wanted: int, tries: int = 50) -> socket.socket:
    """A socket on the wanted port, else on the next free one above it, else on any.

    Until it is closed the system gives that port to nobody who asks for any: what is to listen there starts a minute later.
    """
    for port in range(wanted, min(wanted + tries, 65536)):
        if is_free(port) and (held := _bound(port)):
            return held
    return _bound(0)


def _bound(port: int) -> socket.socket | None:
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        held.bind((LOOPBACK, port))
    except OSError:
        held.close()
        return None
    return held
