"""Pharmacy's only Redis code: how often strangers look papers up. Nothing here is the truth of anything.

    paper:lookups:{origin}   string  look-ups of one address, which stands hashed, in a minute

Raises RedisDown.
"""

import hashlib

from clinic.core.redis import client, guarded, key

WINDOW_S = 60


@guarded
def count_lookup(address: str) -> int:
    """Look-ups of this address in the running minute, this one included."""
    name = key(f"paper:lookups:{hashlib.sha256(address.encode()).hexdigest()[:20]}")
    pipe = client().pipeline()
    pipe.set(name, 0, ex=WINDOW_S, nx=True).incr(name)
    return pipe.execute()[1]
