"""What `check --deploy` says about the database's roles."""

from django.conf import settings
from django.core.checks import Warning
from django.db import connections

OWNED = """
    SELECT count(*) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND pg_has_role(relowner, 'MEMBER')
"""


def application_has_a_role_of_its_own(app_configs, **kwargs):
    if settings.DATABASE_APP_URL:
        return []
    return [
        Warning(
            "DATABASE_APP_URL is not set: the application connects as the owner of its tables, who can change the audit log.",
            hint="Make a role of its own for it and run manage.py grant_roles; see docs/operations.md.",
            id="clinic.W001",
        )
    ]


def application_owns_no_table(app_configs, databases=None, **kwargs):
    """`check --deploy --database default` asks the database itself."""
    if "default" not in (databases or ()):
        return []
    with connections["default"].cursor() as cursor:
        cursor.execute(OWNED)
        owned = cursor.fetchone()[0]
    if not owned:
        return []
    return [
        Warning(
            f"The application's database role owns {owned} tables: it can change and empty all of them.",
            hint="DATABASE_APP_URL must name another role than the one that migrates.",
            id="clinic.W002",
        )
    ]
