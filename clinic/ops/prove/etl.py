"""The ETL of `make prove`: runs of it without a pause, each process forked from one that has Django loaded.

`python -m clinic.ops.prove.etl`; UNGUARDED names the guard that a control takes out.
"""

import os
import time

BATCH = 200
PAUSE_SECONDS = 0.02


def main() -> None:
    import django

    django.setup()
    if "UNGUARDED" in os.environ:
        from clinic.ops.prove import unguarded

        print("without", unguarded.__name__, os.environ["UNGUARDED"], flush=True)
    parent = os.getpid()
    while True:
        if not (child := os.fork()):
            _work(parent)
        os.waitpid(child, 0)


def _work(parent: int) -> None:
    from analytics.etl.running import run_etl

    while os.getppid() == parent:
        if not run_etl(batch=BATCH).taken:
            time.sleep(PAUSE_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    main()
