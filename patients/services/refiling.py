"""After a merge or its undoing: MongoDB's documents of a visit are filed under the patient that it has now."""

import logging

from clinic.core.mongo import MongoDown
from patients import stores
from patients.models import Refiling

logger = logging.getLogger(__name__)

BATCH = 500


def refile_documents() -> int:
    """Write the current patient into the documents of visits that moved; the number of visits.

    No lock, harmless twice: an entry is let go of only after MongoDB took the change, and a later
    merge has an entry of its own. Stops quietly while MongoDB is down.
    """
    done = 0
    try:
        while entries := list(Refiling.objects.select_related("encounter__patient").order_by("pk")[:BATCH]):
            for entry in entries:
                stores.refile(record_uuid=str(entry.encounter.public_id), patient=str(entry.encounter.patient.public_id))
            Refiling.objects.filter(pk__in=[entry.pk for entry in entries]).delete()
            done += len(entries)
    except MongoDown:
        logger.info("mongodb is down, documents of merged patients wait")
    return done
