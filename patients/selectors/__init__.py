from patients.selectors.charts import (
    CHART_READ,
    access_log_of,
    counts_of,
    encounter_of,
    last_visits,
    newest_patients,
    vitals_table,
    with_content,
    with_lists,
    words_of_unusual,
)
from patients.selectors.search import PossibleDuplicate, identity_of, possible_duplicates, search_patients

__all__ = [
    "CHART_READ",
    "PossibleDuplicate",
    "access_log_of",
    "counts_of",
    "encounter_of",
    "identity_of",
    "last_visits",
    "newest_patients",
    "possible_duplicates",
    "search_patients",
    "vitals_table",
    "with_content",
    "with_lists",
    "words_of_unusual",
]
