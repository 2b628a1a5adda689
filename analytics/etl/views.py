"""The materialized views: sums of sums, so that making them anew costs by doctors and months and not by what happened."""

from django.db import connection

VIEWS = ("top_doctors", "doctor_workload", "department_load", "monthly_visits")


def refresh_views() -> None:
    """Make them anew within the caller's transaction. Whoever reads meanwhile sees them as they were."""
    with connection.cursor() as cursor:
        for view in VIEWS:
            cursor.execute(f"REFRESH MATERIALIZED VIEW CONCURRENTLY {view}")
