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


def first_free_port(wanted: int, tries: int = 50) -> int:
    """The wanted port, else the next free one above it, else any."""
    for port in range(wanted, min(wanted + tries, 65536)):
        if is_free(port):
            return port
    return any_free_port()
