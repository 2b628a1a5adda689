"""Run one command with data servers around it: `python -m clinic.ops.with_servers -- pytest`.

Without --data-dir the servers use a throwaway folder, deleted afterwards. Servers named by
DATABASE_URL, REDIS_URL and MONGODB_URL are used as they are. The exit status is the command's.
"""

import argparse
import os
import subprocess
import sys
import tempfile

from clinic.ops.servers import stores
from clinic.ops.servers.errors import ServerError, StopRequested
from clinic.ops.servers.running import run


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m clinic.ops.with_servers", description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", help="keep the data here; default: a throwaway folder")
    parser.add_argument("--no-fsync", action="store_true", help="faster, and data may be lost in a crash")
    parser.add_argument("--max-connections", type=int, default=100)
    parser.add_argument("command", nargs="+", metavar="-- COMMAND")
    options = parser.parse_args(argv)

    def work(supervisor) -> int:
        started = stores.start(
            supervisor, os.environ, durable=not options.no_fsync, max_connections=options.max_connections
        )
        return _run_command(options.command, os.environ | started.environment(), supervisor)

    throwaway = options.data_dir is None
    folder = options.data_dir or tempfile.mkdtemp(prefix="clinic-servers-")
    if throwaway and os.geteuid() == 0:
        os.chmod(folder, 0o711)  # PostgreSQL's own account has to pass
    return run(folder, work, say=_say, throwaway=throwaway)


def _run_command(command, environment, supervisor) -> int:
    """The command keeps the terminal: it sees Ctrl-C itself and may end in its own way."""
    try:
        process = subprocess.Popen(command, env=environment)
    except OSError as error:
        raise ServerError(f"{command[0]} cannot be run: {error.strerror}") from None
    try:
        status = supervisor.wait_for(process)
    except StopRequested:
        status = _let_end(process)
    return 128 - status if status < 0 else status


def _let_end(process) -> int:
    """Ctrl-C reached the command too: give it time to end as it likes before telling it to."""
    try:
        return process.wait(5)
    except subprocess.TimeoutExpired:
        process.terminate()
        return process.wait()


def _say(sentence):
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
