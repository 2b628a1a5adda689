"""Data servers alone, for development: `python -m clinic.ops.servers --data-dir DIR`.

Prints their URLs, writes them to DIR/servers.env while it runs, stops on Ctrl-C or SIGTERM.
"""

import argparse
import os

from clinic.ops.servers import stores
from clinic.ops.servers.running import run, say


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m clinic.ops.servers", description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", default=".local", help="where data, passwords and logs are kept (default: .local)")
    parser.add_argument("--no-fsync", action="store_true", help="faster, and data may be lost in a crash")
    parser.add_argument("--max-connections", type=int, default=100)
    options = parser.parse_args(argv)

    def serve(supervisor) -> int:
        started = stores.start(supervisor, os.environ, durable=not options.no_fsync, max_connections=options.max_connections)
        stores.write_servers_env(supervisor.data_dir, started.urls)
        for name, url in started.urls.items():
            say(f"{name}={url}")
        say(f"Running (MongoDB: {started.mongodb_kind}); Ctrl-C stops.")
        supervisor.run_until_stopped()
        return 0

    return run(options.data_dir, serve)


if __name__ == "__main__":
    raise SystemExit(main())
