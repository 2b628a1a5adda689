"""Run one command with data servers around it: `python -m clinic.ops.with_servers -- pytest`.

Without --data-dir the servers use a throwaway folder, deleted afterwards. Servers named by
DATABASE_URL, REDIS_URL and MONGODB_URL are used as they are. The exit status is the command's.
"""

import argparse
import os
import secrets
import shutil
import tempfile
from pathlib import Path

from clinic.ops.servers import stores
from clinic.ops.servers.running import complain, run


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m clinic.ops.with_servers", description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", help="keep the data here; default: a throwaway folder")
    parser.add_argument("--no-fsync", action="store_true", help="faster, and data may be lost in a crash")
    parser.add_argument("--max-connections", type=int, default=100)
    parser.add_argument("command", nargs="+", metavar="-- COMMAND")
    options = parser.parse_args(argv)
    if not shutil.which(options.command[0]):
        complain(f"There is no command {options.command[0]!r}.")
        return 127

    def work(supervisor) -> int:
        started = stores.start(supervisor, os.environ, durable=not options.no_fsync, max_connections=options.max_connections)
        status = supervisor.run_command(options.command, os.environ | started.environment())
        return 128 - status if status < 0 else status  # ended by a signal: as a shell would say it

    throwaway = options.data_dir is None
    folder = options.data_dir or Path(tempfile.gettempdir(), f"clinic-servers-{secrets.token_hex(6)}")
    return run(folder, work, report=complain, throwaway=throwaway)


if __name__ == "__main__":
    raise SystemExit(main())
