"""The queue's tables and Redis keys, as the chapters about it ask them."""

TOKEN, QUEUE, QUEUE_DAY, TRANSITION = (f"scheduling_{name}" for name in ("token", "queue", "queueday", "tokentransition"))
OPEN = "status IN ('waiting', 'called', 'in_service', 'skipped')"

NUMBER_FAULTS = {
    "numbers given twice": f'SELECT count(*) - count(DISTINCT (queue_id, "on", number)) FROM {TOKEN}',
    "numbers left out": f"""
        SELECT coalesce(sum(last - given), 0)::int
          FROM (SELECT max(number) AS last, count(DISTINCT number) AS given FROM {TOKEN} GROUP BY queue_id, "on") AS days""",
    "counters that differ from the last number": f"""
        SELECT count(*) FROM {QUEUE_DAY} d
         WHERE last_number <> (SELECT coalesce(max(number), 0) FROM {TOKEN} t WHERE t.queue_id = d.queue_id AND t."on" = d."on")""",
    "second open tokens of a patient in a queue": f"""
        SELECT coalesce(sum(n - 1), 0)::int
          FROM (SELECT count(*) AS n FROM {TOKEN} WHERE {OPEN} GROUP BY patient_id, queue_id) AS open""",
}


def make_queue(site, doctor, code: str) -> int:
    """The queue of a doctor; its primary key."""
    return site.one(f"INSERT INTO {QUEUE} (public_id, doctor_id, code) VALUES (gen_random_uuid(), %s, %s) RETURNING id", doctor.pk, code)


def projection_differences(site) -> list[str]:
    """Queues whose picture in Redis is not what PostgreSQL has (order of the waiting, who is inside, last number), in words."""
    pairs = [(code, _in_postgresql(site, queue), _in_redis(site, code)) for queue, code in site.rows(f"SELECT id, code FROM {QUEUE}")]
    return [f"Queue {code}: {_first_difference(ours, theirs)}" for code, ours, theirs in pairs if ours != theirs]


def _first_difference(ours: tuple, theirs: tuple) -> str:
    for what, mine, other in zip(("waiting", "inside", "last number"), ours, theirs, strict=True):
        if what == "waiting" and mine != other and len(mine) == len(other):
            place = next(n for n, pair in enumerate(zip(mine, other, strict=True)) if pair[0] != pair[1])
            return f"from place {place + 1} on PostgreSQL has {mine[place : place + 3]}, Redis {other[place : place + 3]}"
        if mine != other:
            size = (len(mine), len(other)) if hasattr(mine, "__len__") else (mine, other)
            return f"{what}: PostgreSQL has {size[0]}, Redis {size[1]}"
    return "nothing differs"


def _in_postgresql(site, queue: int) -> tuple:
    today = site.today
    of_today = f'FROM {TOKEN} WHERE queue_id = %s AND "on" = %s'
    waiting = site.rows(f"SELECT number {of_today} AND status = 'waiting' ORDER BY turn_at, id", queue, today)
    inside = site.rows(f"SELECT number, room {of_today} AND status IN ('called', 'in_service')", queue, today)
    last = site.one(f"SELECT coalesce(max(number), 0) {of_today}", queue, today)
    return [number for (number,) in waiting], dict(inside), last


def _in_redis(site, code: str) -> tuple:
    prefix = f"{site.name}:queue"
    waiting = site.redis.zrange(f"{prefix}:{site.today}:{code}", 0, -1)
    inside = site.redis.hgetall(f"{prefix}:current:{site.today}:{code}")
    last = site.redis.get(f"{prefix}:counter:{site.today}:{code}")
    return [int(number) for number in waiting], {int(number): room for number, room in inside.items()}, int(last or 0)
