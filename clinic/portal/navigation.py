"""The entries of the side bar, each shown to those who may open it."""

from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True)
class Entry:
    label: str
    view_name: str
    icon: str  # a heroicon
    codename: str  # "" for everyone signed in
    shortcut: str = ""  # after 'g'
    staff_only: bool = True
    patients_only: bool = False
    or_codename: str = ""  # which opens it as well
    also: tuple[str, ...] = ()  # views whose pages belong to it


ENTRIES = (
    Entry("Home", "portal:home", "home", "", "h", staff_only=False),
    Entry("Reception", "portal:reception", "inbox-arrow-down", "scheduling.issue_token", "r"),
    Entry("Patients", "patients:list", "users", "patients.view_patient", "p"),
    Entry("Schedule", "scheduling:schedule", "calendar-days", "scheduling.view_appointment", "s"),
    Entry("Queue", "scheduling:queue", "queue-list", "scheduling.view_queue", "q"),
    Entry("Pharmacy", "pharmacy:worklist", "beaker", "pharmacy.dispense", "d"),
    Entry("Stock", "pharmacy:stock", "archive-box", "pharmacy.view_stock", "k", also=("pharmacy:orders", "pharmacy:suppliers")),
    Entry("Billing", "billing:invoices", "banknotes", "billing.view_invoice", "b"),
    Entry("Cashier", "billing:cashier", "credit-card", "billing.take_payment", "c"),
    Entry("Shift", "billing:shift", "calculator", "billing.work_shift", "f"),
    Entry("Day summary", "analytics:day", "chart-bar", "analytics.view_day", "y"),
    Entry(
        "Dashboards",
        "analytics:home",
        "presentation-chart-line",
        "analytics.view_reports",
        "w",
        or_codename="analytics.view_own_figures",
    ),
    Entry("Restricted charts", "patients:openings", "lock-closed", "patients.view_break_glass", "x"),
    Entry("My record", "portal:own_record", "document-text", "patients.export_record", staff_only=False, patients_only=True),
    Entry("My consents", "patients:own_consents", "check-badge", "patients.view_consent", staff_only=False, patients_only=True),
    Entry("Who read my chart", "patients:own_access_log", "eye", "patients.view_access_log", staff_only=False, patients_only=True),
    Entry("Audit", "audit:log", "shield-check", "audit.view_log", "a"),
    Entry("Self-check", "audit:self_check", "clipboard-document-check", "audit.view_log", "v"),
    Entry("Back office", "admin:index", "cog-6-tooth", "accounts.open_back_office", "o"),
)


def navigation_for(user, path: str) -> list[dict]:
    """[{label, url, icon, current, shortcut}] of what this user may open."""
    entries, addresses = [], []
    for entry in ENTRIES:
        if (entry.staff_only and not user.is_staff_member) or (entry.patients_only and not user.is_only_patient):
            continue
        if entry.codename and not user.has_perm(entry.codename) and not (entry.or_codename and user.has_perm(entry.or_codename)):
            continue
        try:
            url, *also = map(reverse, (entry.view_name, *entry.also))
        except NoReverseMatch:
            continue
        entries.append({"label": entry.label, "url": url, "icon": entry.icon, "current": False, "shortcut": entry.shortcut})
        addresses += [(address, entries[-1]) for address in (url, *also)]
    # The longest address that leads here: /billing/shift/ is the shift's, not billing's.
    here = [(address, entry) for address, entry in addresses if path.startswith(address)]
    if here:
        max(here, key=lambda found: len(found[0]))[1]["current"] = True
    return entries
