"""The frame of every command that runs servers: take the folder, do the work, stop everything."""

import contextlib
import sys
from pathlib import Path

from clinic.ops.servers.data_dir import DataDir
from clinic.ops.servers.errors import ServerError, StopRequested
from clinic.ops.servers.stopping import StopSwitch
from clinic.ops.servers.stores import servers_env_path
from clinic.ops.servers.supervisor import Supervisor


def say(sentence: str, to=None):
    """Tell the person at the terminal, at once; a terminal that is gone must not end the servers."""
    with contextlib.suppress(OSError):
        print(sentence, file=to, flush=True)


def complain(sentence):
    say(sentence, to=sys.stderr)


def run(data_path: str | Path, work, *, report=say, throwaway=False, supervisor=Supervisor) -> int:
    """Call work(supervisor) and return its status; `supervisor` is its class.

    An orderly stop is 0. A ServerError is printed and is 1. Whatever happens, all that was
    started is stopped; a throwaway folder is deleted. `report` gets what happens to servers meanwhile.
    """
    stop = StopSwitch().install()
    data_dir = DataDir(data_path)
    try:
        data_dir.open(stop)
    except ServerError as error:
        complain(error)
        return 1
    except StopRequested:
        return 0
    supervisor = supervisor(data_dir, stop, report)
    try:
        return work(supervisor)
    except ServerError as error:
        complain(error)
        return 1
    except StopRequested:
        return 0
    finally:
        supervisor.shutdown()
        servers_env_path(data_dir).unlink(missing_ok=True)
        data_dir.close()
        if throwaway:
            data_dir.remove()
