"""Who may do what: the only place where a role meets a codename.

Apps name their codenames in their permissions.py; they stand above this module, so they are spelled
out here, and a test compares the two. A role is a Django group of the same name.
"""

from django.db.models import TextChoices


class Role(TextChoices):
    RECEPTION = "RECEPTION", "Reception"
    NURSE = "NURSE", "Nurse"
    DOCTOR = "DOCTOR", "Doctor"
    PHARMACIST = "PHARMACIST", "Pharmacist"
    MANAGER = "MANAGER", "Manager"
    ADMIN = "ADMIN", "Administrator"
    PATIENT = "PATIENT", "Patient"


STAFF_ROLES = tuple(role for role in Role if role is not Role.PATIENT)

ROLE_CODENAMES: dict[str, frozenset[str]] = {
    Role.RECEPTION: frozenset(
        {
            "accounts.open_back_office",
            "patients.view_patient",
            "patients.add_patient",
            "patients.change_patient",
            "patients.view_consent",
            "patients.record_consent",
            "patients.deactivate_patient",
            "patients.merge_patients",
            "patients.link_account",
            "patients.break_glass",
            "scheduling.view_hours",
            "scheduling.view_appointment",
            "scheduling.book_appointment",
            "scheduling.overbook_appointment",
            "scheduling.change_appointment",
            "scheduling.cancel_appointment",
            "scheduling.manage_hours",
            "scheduling.view_queue",
            "scheduling.issue_token",
            "scheduling.change_token",
            "billing.view_invoice",
            "billing.make_invoice",
            "billing.issue_invoice",
            "billing.void_invoice",
            "billing.take_payment",
            "billing.credit_invoice",
            "billing.manage_claims",
            "billing.refund_payment",
            "billing.work_shift",
            "billing.view_price",
            "analytics.view_day",
        }
    ),
    Role.NURSE: frozenset(
        {
            "patients.view_patient",
            "patients.add_patient",
            "patients.change_patient",
            "patients.view_consent",
            "patients.record_consent",
            "patients.view_encounter",
            "patients.start_encounter",
            "patients.record_vitals",
            "patients.break_glass",
            "scheduling.view_hours",
            "scheduling.view_appointment",
            "scheduling.view_queue",
            "scheduling.issue_token",
            "scheduling.call_token",
            "scheduling.change_token",
            "scheduling.triage_token",
            "pharmacy.view_medicine",
            "pharmacy.view_prescription",
            "pharmacy.witness",
        }
    ),
    Role.DOCTOR: frozenset(
        {
            "patients.export_record",
            "patients.view_patient",
            "patients.change_patient",
            "patients.view_consent",
            "patients.record_consent",
            "patients.view_encounter",
            "patients.start_encounter",
            "patients.record_vitals",
            "patients.write_encounter",
            "patients.sign_encounter",
            "patients.restrict_chart",
            "patients.break_glass",
            "scheduling.view_hours",
            "scheduling.view_appointment",
            "scheduling.book_appointment",
            "scheduling.change_appointment",
            "scheduling.cancel_appointment",
            "scheduling.view_queue",
            "scheduling.call_token",
            "scheduling.change_token",
            "scheduling.triage_token",
            "pharmacy.view_medicine",
            "pharmacy.view_prescription",
            "pharmacy.prescribe",
            "pharmacy.share_favourite",
            "pharmacy.witness",
            "analytics.view_own_figures",
        }
    ),
    Role.PHARMACIST: frozenset(
        {
            "accounts.open_back_office",
            "patients.view_patient",
            "patients.break_glass",
            "pharmacy.view_medicine",
            "pharmacy.manage_medicine",
            "pharmacy.view_stock",
            "pharmacy.manage_stock",
            "pharmacy.view_prescription",
            "pharmacy.dispense",
            "pharmacy.witness",
        }
    ),
    Role.MANAGER: frozenset(
        {
            "accounts.open_back_office",
            "audit.view_log",
            "patients.view_access_log",
            "patients.view_break_glass",
            "patients.manage_treatment_types",
            "scheduling.view_hours",
            "scheduling.manage_hours",
            "scheduling.view_appointment",
            "scheduling.view_queue",
            "scheduling.view_waits",
            "pharmacy.view_medicine",
            "pharmacy.view_stock",
            "billing.view_invoice",
            "billing.give_discount",
            "billing.void_invoice",
            "billing.credit_invoice",
            "billing.manage_claims",
            "billing.refund_payment",
            "billing.work_shift",
            "billing.oversee_shifts",
            "billing.view_ledger",
            "billing.view_price",
            "billing.manage_price",
            "analytics.view_day",
            "analytics.view_reports",
        }
    ),
    Role.PATIENT: frozenset(
        {
            "patients.export_record",
            "patients.view_patient",
            "patients.change_own_contact",
            "patients.view_consent",
            "patients.view_access_log",
            "patients.view_encounter",
            "scheduling.view_hours",
            "scheduling.view_appointment",
            "scheduling.book_appointment",
            "scheduling.cancel_appointment",
            "scheduling.view_queue",
            "pharmacy.view_prescription",
            "billing.view_invoice",
        }
    ),
}


def codenames_of(roles) -> frozenset[str]:
    """The union of what the roles grant. ADMIN is not listed: it may do everything."""
    return frozenset().union(*(ROLE_CODENAMES.get(role, frozenset()) for role in roles))
