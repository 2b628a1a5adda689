"""I9: the application's database role cannot change, delete or truncate what is only added to, nor what is signed."""

import psycopg

from clinic.ops.prove.chapter import Chapter, Control
from clinic.ops.prove.chapters.records import ENCOUNTER, open_visits

VITALS = "patients_vitals"
# What is only added to, and the columns of it that may be written later: shipped, sealed, refunded, taken back, undone.
LEDGER = {
    "audit_outboxevent": {"shipped_at", "sequence", "seal", "key_id"},
    "billing_cashcount": set(),
    "billing_claimbatch": set(),
    "billing_creditline": set(),
    "billing_creditnote": set(),
    "billing_denominationcount": set(),
    "billing_deposit": {"applied", "refunded"},
    "billing_depositrefund": set(),
    "billing_payment": {"refunded"},
    "billing_providerevent": set(),
    "billing_refund": set(),
    "billing_returncredit": set(),
    "django_admin_log": set(),
    "patients_addendum": set(),
    "patients_breakglass": set(),
    "patients_clinicalnote": {"body", "stored_at"},
    "patients_consent": set(),
    "patients_listentry": set(),
    "patients_mergedvalue": set(),
    "patients_patientmerge": {"undone_at", "undone_by_id"},
    "pharmacy_dispense": set(),
    "pharmacy_dispenseline": {"credited_quantity", "returned_quantity"},
    "pharmacy_dispensereturn": set(),
    "pharmacy_equivalent": {"withdrawn_at", "withdrawn_by_id"},
    "pharmacy_medicineleaflet": set(),
    "pharmacy_recallcall": set(),
    "pharmacy_stockmovement": set(),
    "pharmacy_stocktransfer": set(),
    "scheduling_tokentransition": set(),
}
REMOVALS = (
    "DELETE FROM {0}",
    "TRUNCATE {0} CASCADE",
    "MERGE INTO {0} t USING {0} s ON t.id = s.id WHEN MATCHED THEN DELETE",
    "ALTER TABLE {0} DISABLE TRIGGER USER",
    "DROP TABLE {0} CASCADE",
)
CHANGES = (
    'UPDATE {0} SET "{1}" = "{1}"',
    'MERGE INTO {0} t USING {0} s ON t.id = s.id WHEN MATCHED THEN UPDATE SET "{1}" = s."{1}"',
)
COLUMNS = "SELECT column_name::text FROM information_schema.columns WHERE table_name = %s AND is_generated = 'NEVER' ORDER BY 1"
SILENCE = "SELECT set_config('pgtrigger.ignore', (SELECT array_agg(tgname::text)::text FROM pg_trigger WHERE NOT tgisinternal), false)"
# How it was with one role: all rights on the rows, and a trigger that whoever asks can silence.
ONE_ROLE = (
    "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public TO clinic_app",
    "CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name name) RETURNS boolean LANGUAGE sql AS"
    " $$ SELECT trigger_name = ANY(NULLIF(current_setting('pgtrigger.ignore', true), '')::text[]) $$",
)


class Rights(Chapter):
    number = "I9"
    invariant = "The application's database role cannot change, delete or truncate the audit, the ledgers and signed rows"
    controls = (
        Control("nothing", "one role with all rights on the rows, and its triggers obey the session's setting", 1, (
            "statements on a ledger that were taken", "changes of signed rows that were taken",
        ), ONE_ROLE),
    )  # fmt: skip

    @property
    def tried(self) -> str:
        return (
            f"{self.statements} statements as the application's role, every trigger named in the setting that silences it: each column and "
            f"each way to remove rows of {len(LEDGER)} ledgers, and each column of {self.times(20)} signed visits with their vitals"
        )

    statements = 0

    def attack(self):
        doctor = self.site.caller("doctor0")
        self.visits = [visit for visit, _ in open_visits(self.site, self.times(20))]
        for visit in self.visits:
            doctor.post(f"visits/{visit.id}/vitals/", {"pulse_bpm": 72}, key=f"vitals-{visit.id}")
            doctor.post(f"visits/{visit.id}/complete/", key=f"sign-{visit.id}")
        self.before = self._signed()
        with psycopg.connect(self.site.stack.app_database_url(self.site.name), autocommit=True) as application:
            application.execute(SILENCE)
            self.taken = [statement for statement in self._on_ledgers() if self._is_taken(application, statement)]
            self.taken_signed = [statement for statement in self._on_signed_rows() if self._is_taken(application, statement)]

    def _on_ledgers(self):
        for table, later in LEDGER.items():
            frozen = [name for (name,) in self.site.rows(COLUMNS, table) if name not in later]
            yield from (change.format(table, name) for name in frozen for change in CHANGES)
            yield from (removal.format(table) for removal in REMOVALS)

    def _on_signed_rows(self):
        for visit in self.visits:
            yield f"DELETE FROM {VITALS} WHERE encounter_id = {visit.pk}"
            yield f"UPDATE {VITALS} SET pulse_bpm = 40 WHERE encounter_id = {visit.pk}"
            for (name,) in self.site.rows(COLUMNS, ENCOUNTER):
                yield f'UPDATE {ENCOUNTER} SET "{name}" = "{name}" WHERE id = {visit.pk}'

    def _is_taken(self, application, statement: str) -> bool:
        """Whether the database let it happen; it is undone, so that the next one meets the same rows."""
        self.statements += 1
        try:
            with application.transaction(force_rollback=True):
                application.execute(statement)
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.IntegrityConstraintViolation):
            return False
        return True

    def _signed(self) -> list[tuple]:
        return self.site.rows(f"SELECT e, v FROM {ENCOUNTER} e JOIN {VITALS} v ON v.encounter_id = e.id ORDER BY e.id, v.id")

    def check(self):
        return {
            "visits that were not signed": len(self.visits) - len(self.before),
            "statements on a ledger that were taken": len(self.taken),
            "changes of signed rows that were taken": len(self.taken_signed),
            "signed rows that differ afterwards": sum(now != then for now, then in zip(self._signed(), self.before, strict=True)),
        }
