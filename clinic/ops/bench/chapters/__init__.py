"""The chapters, in the order of a run."""

from clinic.ops.bench.chapters.analytics import Analytics
from clinic.ops.bench.chapters.search import Search

CHAPTERS = (Search, Analytics)
