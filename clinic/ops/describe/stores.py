"""What stands in MongoDB and Redis. Neither has a catalog to read it from: it is written here, beside the code that it describes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Store:
    name: str
    holds: str
    fields: str
    kept_by: str


MONGODB = [
    Store(
        name="audit_logs",
        holds="Who did what: a copy of the outbox rows with the topic of this name. It can be filled again from them.",
        fields="_id (event_id), timestamp, user {id, name, role}, action, resource {type, id}, changes, request_id",
        kept_by="clinic.audit.sink",
    ),
    Store(
        name="stock_movements",
        holds="A copy of the stock ledger, one document a movement.",
        fields="_id (event_id), timestamp, request_id, and the movement's own",
        kept_by="clinic.audit.sink",
    ),
    Store(
        name="visit_history",
        holds="One document a completed visit, for reports.",
        fields="_id (event_id), timestamp, request_id, and the visit's own",
        kept_by="clinic.audit.sink",
    ),
]

REDIS: list[Store] = [
    Store(
        name="cache:*",
        holds="Django's cache. Losing it costs time only.",
        fields="string",
        kept_by="settings.CACHES",
    ),
    Store(
        name="celery, _kombu.*, unacked*",
        holds="The task queue. It only wakes workers: what is to be done stands in PostgreSQL.",
        fields="list, set, hash",
        kept_by="clinic.celery",
    ),
]
