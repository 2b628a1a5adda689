"""Rules about rows that only a trigger can hold. Each refusal names its rule, as a constraint would."""

import pgtrigger


def refusal(rule: str, sentence: str) -> str:
    """PL/pgSQL that refuses the row: an IntegrityError whose constraint name is `rule`."""
    return f"RAISE EXCEPTION USING MESSAGE = '{sentence}', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = '{rule}';"


class AppendOnly(pgtrigger.Trigger):
    """Rows are added and never changed or removed."""

    when = pgtrigger.Before
    operation = pgtrigger.Update | pgtrigger.Delete

    def __init__(self, name: str):
        super().__init__(name=name, func=refusal(name, "these rows are only ever added to"))


class Frozen(pgtrigger.Trigger):
    """A row that meets `condition` (of its old state, and of the change) cannot be changed."""

    when = pgtrigger.Before
    operation = pgtrigger.Update

    def __init__(self, name: str, condition, sentence: str = "this row is frozen"):
        super().__init__(name=name, condition=condition, func=refusal(name, sentence))


class NotTruncated(pgtrigger.Trigger):
    """The table is not emptied either, which triggers on rows do not see. Only the tests' flush has leave to."""

    when = pgtrigger.Before
    operation = pgtrigger.Truncate
    level = pgtrigger.Statement

    def __init__(self, name: str):
        asked = "current_setting('clinic.may_truncate', true) IS DISTINCT FROM 'on'"
        super().__init__(name=name, func=f"IF {asked} THEN {refusal(name, 'these rows are kept')} END IF; RETURN NULL;")


class Kept(pgtrigger.Trigger):
    """Rows (those that meet `condition`) are never deleted."""

    when = pgtrigger.Before
    operation = pgtrigger.Delete

    def __init__(self, name: str, condition=None):
        super().__init__(name=name, condition=condition, func=refusal(name, "these rows are never deleted"))
