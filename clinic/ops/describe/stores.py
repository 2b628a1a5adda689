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
        name="clinical_notes",
        holds="The bodies of clinical notes, the only thing that is nowhere else; PostgreSQL has each one's version, author and hash.",
        fields="_id (the note's public id), record_uuid, patient, author, thread, number, text, observations {symptoms [...], ...}, tags, "
        "sha256, written_at; refused by a $jsonSchema when one is missing or of another type",
        kept_by="patients.stores",
    ),
    Store(
        name="attachments.files, attachments.chunks",
        holds="The files of visits (GridFS); PostgreSQL has each one's name, type and hash.",
        fields="_id (the file's public id), length, metadata {record_uuid, patient, sha256, content_type}",
        kept_by="patients.stores",
    ),
    Store(
        name="audit_logs",
        holds="Who did what: a copy of the outbox rows with the topic of this name. It can be filled again from them.",
        fields="_id (event_id), timestamp, user {id, name, role}, action, resource {type, id}, patient, changes, request_id",
        kept_by="clinic.audit.sink",
    ),
    Store(
        name="audit_anchors",
        holds="The heads of the audit chain, one each time the sealer has worked: what is cut off it or sealed anew contradicts them.",
        fields="_id (sequence), seal, at",
        kept_by="clinic.audit.anchors",
    ),
    Store(
        name="daily_summaries",
        holds="One document a day of the clinic, from the operational tables and the ledger; each can be written again from them.",
        fields="_id (the date), date, as_of, appointments, tokens, visits, prescriptions, units_dispensed, invoices, billed, voided, "
        "credited, taken, given_back, net, methods {method: {taken, given_back}}; money as text",
        kept_by="analytics.stores",
    ),
    Store(
        name="stock_movements",
        holds="A copy of the stock ledger, one document a movement.",
        fields="_id (event_id), timestamp, request_id, medicine {id, name}, batch_number, movement_type, quantity, balance, "
        "user {id, name, role}, reference {type, id}: what it is for",
        kept_by="clinic.audit.sink",
    ),
    Store(
        name="visit_history",
        holds="One document a completed visit, for reports: no clinical text, no patient's name. It can be filled again from the outbox.",
        fields="_id (event_id), timestamp, request_id, visit_id, patient_id, doctor {id, name}, department {id, name}, started_at, "
        "completed_at, diagnoses [codes], counts {sets_of_vitals, diagnoses, treatments, notes, files}",
        kept_by="clinic.audit.sink",
    ),
]

REDIS = [
    Store(
        name="hold:{doctor}:{start}",
        holds="Somebody is filling in the form for this slot. Gone after 5 minutes; the constraint on appointments is what decides.",
        fields="string: {user}:{secret}",
        kept_by="scheduling.stores",
    ),
    Store(
        name="queue:{date}:{queue}",
        holds="The waiting tokens of a queue in the order in which they are called.",
        fields="zset: number by order key",
        kept_by="scheduling.stores",
    ),
    Store(
        name="queue:token:{date}:{queue}:{n}",
        holds="One token as the live board needs it; ids only, no names.",
        fields="hash: id, status, priority, room, patient, version",
        kept_by="scheduling.stores",
    ),
    Store(
        name="queue:counter:{date}:{queue}",
        holds="The number given last; the counter itself is a row in PostgreSQL.",
        fields="string",
        kept_by="scheduling.stores",
    ),
    Store(
        name="queue:current:{date}:{queue}",
        holds="The tokens that are called or being served, and where.",
        fields="hash: number to room",
        kept_by="scheduling.stores",
    ),
    Store(
        name="paper:lookups:{origin}",
        holds="How often one address, hashed, looked a prescription's paper up in a minute. Gone after it; without it nobody is held up.",
        fields="string",
        kept_by="pharmacy.stores",
    ),
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
