"""Scheduling's only Redis code: held slots, and the live queue as a projection of PostgreSQL's rows.

Nothing here is the truth of anything, and no name of a person goes in: ids, numbers and statuses only.

    hold:{doctor}:{start}               string  {user}:{secret}, expires after 5 minutes; doctor by primary key
                                                waitlist:{offer}, expires with the offer
    queue:{date}:{queue}                zset    waiting numbers by the order key
    queue:token:{date}:{queue}:{n}      hash    id, status, priority, room, patient, version
    queue:counter:{date}:{queue}        string  last number
    queue:current:{date}:{queue}        hash    called and served numbers -> room
    queue:changed                       channel a word without meaning after each change

`{queue}` is the queue's code, `{start}` seconds since 1970. Each function raises RedisDown.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from redis.exceptions import ResponseError

from clinic.core.redis import client, guarded, key, messages

HOLD_S = 300
_KEPT_S = 2 * 86_400
_CHANNEL = "queue:changed"

# Takes the hold away only from the one who has it.
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

# Writes one token. Commits may reach Redis in another order than they were made: an older version is ignored.
_PROJECT = """
local seen = redis.call('HGET', KEYS[2], 'version')
if seen and tonumber(seen) >= tonumber(ARGV[1]) then return 0 end
local member, status, score, room, kept = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
redis.call('HSET', KEYS[2], 'version', ARGV[1], 'status', status, 'room', room, unpack(ARGV, 7))
if status == 'waiting' then redis.call('ZADD', KEYS[1], score, member) else redis.call('ZREM', KEYS[1], member) end
local number = tonumber(member)
if number > tonumber(redis.call('GET', KEYS[3]) or '0') then redis.call('SET', KEYS[3], number) end
if status == 'called' or status == 'in_service' then
  redis.call('HSET', KEYS[4], number, room)
else
  redis.call('HDEL', KEYS[4], number)
end
for _, name in ipairs(KEYS) do redis.call('EXPIRE', name, kept) end
return 1
"""

# A key of a wrong type answers pcall with an error, which is no version either.
_SHOWS_VERSIONS = """
for i = 2, #ARGV, 2 do
  if redis.pcall('HGET', ARGV[1] .. ARGV[i], 'version') ~= ARGV[i + 1] then return 0 end
end
return 1
"""


# --- Holds -----------------------------------------------------------------------------


def _hold_key(doctor_id: int, start: datetime) -> str:
    return key(f"hold:{doctor_id}:{int(start.timestamp())}")


@guarded
def take_hold(doctor_id: int, start: datetime, value: str, seconds: int = HOLD_S) -> bool:
    """Whether the hold is ours now: nobody had it."""
    return bool(client().set(_hold_key(doctor_id, start), value, nx=True, ex=max(seconds, 1)))


@guarded
def read_hold(doctor_id: int, start: datetime) -> str | None:
    return client().get(_hold_key(doctor_id, start))


@guarded
def read_holds(doctor_id: int, starts: Sequence[datetime]) -> dict[datetime, str]:
    if not starts:
        return {}
    values = client().mget([_hold_key(doctor_id, start) for start in starts])
    return {start: value for start, value in zip(starts, values, strict=True) if value}


@guarded
def drop_hold(doctor_id: int, start: datetime, value: str) -> None:
    client().eval(_RELEASE, 1, _hold_key(doctor_id, start), value)


# --- The live queue ----------------------------------------------------------------------


@dataclass(frozen=True)
class LiveToken:
    """What Redis knows of a token. `score` orders the waiting ones as turn_at does; ties by number."""

    queue: str
    on: date
    number: int
    id: str
    patient: str
    status: str
    priority: str
    room: str
    version: int
    score: int

    @property
    def member(self) -> str:
        return f"{self.number:05d}"

    @property
    def keys(self) -> list[str]:
        """Sorted set, token, counter, current."""
        return [
            *(key(name) for name in (f"queue:{self.on}:{self.queue}", f"queue:token:{self.on}:{self.queue}:{self.number}")),
            *(key(f"queue:{what}:{self.on}:{self.queue}") for what in ("counter", "current")),
        ]


@guarded
def write_token(token: LiveToken) -> None:
    """Write it, and tell those who listen that the queue changed."""
    with client().pipeline(transaction=False) as pipe:
        _project(pipe, token)
        pipe.publish(key(_CHANNEL), "changed")
        pipe.execute()


def changes() -> AsyncIterator[str]:
    """Something at each change of a queue, in an event loop. Raises RedisDown."""
    return messages(_CHANNEL)


@guarded
def rewrite_queue(queue: str, on: date, tokens: Iterable[LiveToken]) -> None:
    """Forget what is there about this queue's day and write these tokens, in one transaction of Redis."""
    redis = client()
    stale = list(redis.scan_iter(key(f"queue:token:{on}:{queue}:*"), count=500))
    with redis.pipeline(transaction=True) as pipe:
        pipe.delete(key(f"queue:{on}:{queue}"), key(f"queue:counter:{on}:{queue}"), key(f"queue:current:{on}:{queue}"), *stale)
        for token in tokens:
            _project(pipe, token)
        pipe.execute()


def _project(redis, token: LiveToken) -> None:
    facts = ["id", token.id, "patient", token.patient, "priority", token.priority]
    redis.eval(_PROJECT, 4, *token.keys, token.version, token.member, token.status, token.score, token.room, _KEPT_S, *facts)


@guarded
def shows_versions(tokens: Sequence[LiveToken]) -> bool:
    """Whether Redis has each of these tokens of one queue's day, in its present version."""
    if not tokens:
        return True
    prefix = tokens[0].keys[1].removesuffix(str(tokens[0].number))
    facts = [fact for token in tokens for fact in (token.number, token.version)]
    return client().eval(_SHOWS_VERSIONS, 0, prefix, *facts) == 1


@guarded
def waiting_numbers(queue: str, on: date) -> list[int]:
    """The numbers that wait, the next first."""
    return [int(member) for member in client().zrange(key(f"queue:{on}:{queue}"), 0, -1)]


@guarded
def queue_state(queue: str, on: date) -> tuple[list[int], int, dict[int, str]] | None:
    """(waiting numbers in order, last number, current number -> room); None when that is not what is there."""
    with client().pipeline(transaction=False) as pipe:
        pipe.zrange(key(f"queue:{on}:{queue}"), 0, -1)
        pipe.get(key(f"queue:counter:{on}:{queue}"))
        pipe.hgetall(key(f"queue:current:{on}:{queue}"))
        answers = pipe.execute(raise_on_error=False)
    try:
        members, counter, current = (_answer(answer) for answer in answers)
        return [int(member) for member in members], int(counter or 0), {int(number): room for number, room in current.items()}
    except (ResponseError, ValueError):
        return None


def _answer(answer):
    if isinstance(answer, Exception):
        raise answer
    return answer
