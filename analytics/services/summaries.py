"""The day in figures, kept in MongoDB's `daily_summaries`."""

import logging
from datetime import date, datetime, timedelta

from analytics import stores
from analytics.selectors import day_figures
from billing.selectors.ledger import day_report
from clinic.core.mongo import MongoDown

logger = logging.getLogger(__name__)

KEPT_UP_DAYS = 31


def write_summaries(*, today: date, now: datetime, anew: bool = False) -> int:
    """Write today and yesterday, and of the last 31 days those that are missing, or all of them; how many were written.

    A day's document is replaced by what the ledger says now: writing it again has no other effect.
    Ends quietly while MongoDB is down; the next run goes on.
    """
    days = [today - timedelta(days=back) for back in range(KEPT_UP_DAYS)]
    written = 0
    try:
        stores.ensure_indexes()
        there = set() if anew else stores.summarised_days(since=days[-1].isoformat())
        for on in days:
            if on >= today - timedelta(days=1) or on.isoformat() not in there:
                stores.put_summary(summary_of(on=on, now=now))
                written += 1
    except MongoDown:
        logger.info("mongodb is down, the summaries wait")
    return written


def summary_of(*, on: date, now: datetime) -> dict:
    """The document of one day. Money as text with two decimals, from the ledger that the day report is made of."""
    report, figures = day_report(on), day_figures(on=on, now=now)
    return {
        "_id": on.isoformat(),
        "date": on.isoformat(),
        "as_of": now,
        "appointments": figures.appointments,
        "tokens": figures.tokens,
        "visits": {str(status): number for status, number in figures.encounters.items()},
        "prescriptions": figures.prescriptions,
        "units_dispensed": figures.units_dispensed,
        "invoices": report.invoices,
        "billed": str(report.billed),
        "voided": str(report.voided),
        "credited": str(report.credited),
        "taken": str(report.taken),
        "given_back": str(report.given),
        "net": str(report.net),
        "methods": {method: {"taken": str(flow.taken), "given_back": str(flow.given)} for method, flow in report.methods.items()},
    }
