from patients.selectors.accounts import linked_lately, waiting_sign_ups
from patients.selectors.charts import (
    CHART_READ,
    GLASS_BROKEN,
    MOST_FILES,
    access_log_of,
    counts_of,
    encounter_of,
    files_of,
    history_of,
    last_visits,
    lists_of,
    newest_patients,
    openings,
    reading_of,
    unusual_of,
    vitals_table,
    with_content,
    with_lists,
)
from patients.selectors.codes import favourite_codes, search_codes
from patients.selectors.consents import papers_of, standing_of
from patients.selectors.merges import merges_into, original_patients
from patients.selectors.notes import search_notes, symptom_words
from patients.selectors.past import lists_as_of, visits_as_of
from patients.selectors.search import PossibleDuplicate, identity_of, patients_in_order, possible_duplicates, search_ids, search_patients
from patients.selectors.trends import trends_of

__all__ = [
    "CHART_READ",
    "GLASS_BROKEN",
    "MOST_FILES",
    "PossibleDuplicate",
    "access_log_of",
    "counts_of",
    "encounter_of",
    "favourite_codes",
    "files_of",
    "history_of",
    "identity_of",
    "last_visits",
    "linked_lately",
    "lists_as_of",
    "lists_of",
    "merges_into",
    "newest_patients",
    "openings",
    "original_patients",
    "papers_of",
    "patients_in_order",
    "possible_duplicates",
    "reading_of",
    "search_codes",
    "search_ids",
    "search_notes",
    "search_patients",
    "standing_of",
    "symptom_words",
    "trends_of",
    "unusual_of",
    "visits_as_of",
    "vitals_table",
    "waiting_sign_ups",
    "with_content",
    "with_lists",
]
