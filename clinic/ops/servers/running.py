"""The frame of every command that runs servers: take the folder, do the work, stop everything."""

import sys
from pathlib import Path

from clinic.ops.servers.data_dir import DataDir
from clinic.ops.servers.errors import ServerError, StopRequested
from clinic.ops.servers.stopping import StopSwitch
from clinic.ops.servers.stores import servers_env_path
from clinic.ops.servers.supervisor import Supervisor


def run(data_path: str | Path, work, *, say=print, throwaway=False) -> int:
    """Call work(supervisor) and return its status.

    An orderly stop is 0. A ServerError is printed and is 1. Whatever happens, all that was
    started is stopped; a throwaway folder is deleted.
    """
    stop = StopSwitch().install()
    data_dir = DataDir(data_path)
    try:
        data_dir.open(stop)
    except ServerError as error:
        print(error, file=sys.stderr)
        return 1
    except StopRequested:
        return 0
    supervisor = Supervisor(data_dir, stop, say)
    try:
        return work(supervisor)
    except ServerError as error:
        print(error, file=sys.stderr)
        return 1
    except StopRequested:
        return 0
    finally:
        supervisor.shutdown()
        servers_env_path(data_dir).unlink(missing_ok=True)
        data_dir.close()
        if throwaway:
            data_dir.remove()
