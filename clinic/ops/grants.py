"""Gives the application's database role the privileges of clinic.core.privileges, and nothing else.

Owner's work, done after every migrate: a table that has just come gets its privileges, a column that may no
longer be changed loses them.
"""

from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db import connection, transaction
from psycopg import sql

from clinic.core.privileges import all_privileges

# django-pgtrigger lets any connection silence a trigger by a setting of its own. Of ours only the owner's can; the
# library writes its own function anew with each trigger that a migration brings.
IGNORE_FOR_THE_OWNER = """
CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name name) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    ignored text := NULLIF(current_setting('pgtrigger.ignore', true), '');
BEGIN
    RETURN ignored IS NOT NULL AND trigger_name = ANY(ignored::text[]) AND pg_has_role(current_user, (
        SELECT proowner FROM pg_catalog.pg_proc WHERE oid = 'public._pgtrigger_should_ignore(name)'::regprocedure), 'MEMBER');
END
$$
"""
# A temporary table would stand before the real one in the eyes of a trigger's function.
_GROUND = """
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role};
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {role};
REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CONNECT ON DATABASE {database} TO {role};
GRANT USAGE ON SCHEMA public TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {role};
"""
_RELATIONS = "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')"
_OWNERS_FUNCTIONS = "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef"


def app_role() -> str:
    """The role of DATABASE_APP_URL; "" without one."""
    return unquote(urlsplit(settings.DATABASE_APP_URL).username or "")


def grant_after_migrate(**kwargs) -> None:
    if role := app_role():
        grant_to(role)


@transaction.atomic
def grant_to(role: str) -> None:
    """Exactly the declared privileges, whatever the role had. It must exist. Repeating it changes nothing."""
    with connection.cursor() as cursor:
        cursor.execute(IGNORE_FOR_THE_OWNER)
        cursor.execute(_RELATIONS)
        kinds = dict(cursor.fetchall())
        cursor.execute(_OWNERS_FUNCTIONS)
        functions = [name for (name,) in cursor.fetchall()]
        database = sql.Identifier(connection.settings_dict["NAME"])
        statements = [sql.SQL(_GROUND).format(role=sql.Identifier(role), database=database)]
        grant = sql.SQL("GRANT {} {} TO {}")
        statements += [grant.format(words, sql.Identifier(name), sql.Identifier(role)) for name, words in _on_relations(kinds)]
        statements += [grant.format(sql.SQL("EXECUTE ON FUNCTION"), sql.SQL(name), sql.Identifier(role)) for name in functions]
        cursor.execute(sql.SQL(";").join(statements))


def _on_relations(kinds: dict[str, str]):
    """(relation, privileges in words) of all that there is."""
    declared = {each.table: each for each in all_privileges()}
    for name, kind in sorted(kinds.items()):
        if kind == "S":
            yield name, sql.SQL("USAGE ON SEQUENCE")
        elif kind == "m":  # the worker refreshes it, which takes no other right
            yield name, sql.SQL("SELECT, MAINTAIN ON TABLE")
        elif name in declared:
            yield name, _words(declared[name])
        else:
            yield name, sql.SQL("SELECT ON TABLE")


def _words(privileges):
    verbs = [sql.SQL(verb) for verb in sorted(privileges.verbs)]
    if privileges.updates:
        columns = sql.SQL(", ").join(map(sql.Identifier, privileges.updates))
        verbs.append(sql.SQL("UPDATE ({})").format(columns))
    return sql.SQL(", ").join(verbs) + sql.SQL(" ON TABLE")
