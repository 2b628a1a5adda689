"""The app's only MongoDB code: reads of what the outbox shipped, the symptoms of the notes, and the daily summaries."""

from collections.abc import Mapping

from clinic.core import mongo

AUDIT, VISITS, STOCK, NOTES = "audit_logs", "visit_history", "stock_movements", "clinical_notes"
SUMMARIES = "daily_summaries"
_INDEXES = {
    AUDIT: (("timestamp",), ("user.id", "timestamp"), ("patient", "timestamp"), ("action", "timestamp"), ("resource.id", "timestamp")),
    VISITS: (("timestamp",), ("patient_id", "timestamp"), ("doctor.id", "timestamp")),
    STOCK: (("timestamp",), ("medicine.id", "timestamp")),
    SUMMARIES: (("date",),),
}


class Documents:
    """The documents that match, the newest first; asked for when counted or sliced, as a paginator does."""

    def __init__(self, collection: str, match: Mapping, *, order: str = "timestamp"):
        self._collection, self._match, self._order = collection, match, order

    @mongo.guarded
    def count(self) -> int:
        collection = mongo.database()[self._collection]
        # Of all documents the server knows the number; to count a log of years would take longer than anybody waits.
        return collection.count_documents(self._match) if self._match else collection.estimated_document_count()

    def __len__(self) -> int:
        return self.count()

    @mongo.guarded
    def __getitem__(self, rows: slice) -> list[dict]:
        found = mongo.database()[self._collection].find(self._match).sort([(self._order, -1), ("_id", -1)])
        return list(found.skip(rows.start or 0).limit(rows.stop - (rows.start or 0)))


@mongo.guarded
def ensure_indexes() -> None:
    for collection, indexes in _INDEXES.items():
        for fields in indexes:
            # `_id` at its end, as the lists are ordered: without it the server would sort all that match for each page.
            mongo.database()[collection].create_index([(field, -1) for field in (*fields, "_id")])


@mongo.guarded
def symptoms(match: Mapping) -> list[dict]:
    """[{symptom, notes}], the most frequent first. Of a note that was amended only its last version counts."""
    stages = [
        {"$match": dict(match)},
        {"$sort": {"thread": 1, "number": 1}},
        {"$group": {"_id": "$thread", "symptoms": {"$last": "$observations.symptoms"}}},
        {"$unwind": "$symptoms"},
        {"$group": {"_id": {"note": "$_id", "symptom": {"$toLower": "$symptoms"}}}},
        {"$group": {"_id": "$_id.symptom", "notes": {"$sum": 1}}},
        {"$sort": {"notes": -1, "_id": 1}},
    ]
    return [{"symptom": row["_id"], "notes": row["notes"]} for row in mongo.database()[NOTES].aggregate(stages)]


@mongo.guarded
def put_summary(summary: dict) -> None:
    """Put the day's document there under its date; again replaces it."""
    mongo.database()[SUMMARIES].replace_one({"_id": summary["date"]}, summary, upsert=True)


@mongo.guarded
def summarised_days(since: str) -> set[str]:
    return {document["_id"] for document in mongo.database()[SUMMARIES].find({"_id": {"$gte": since}}, ["_id"])}
