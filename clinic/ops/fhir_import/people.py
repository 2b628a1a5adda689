"""Organizations as facilities, practitioners as doctors."""

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from clinic.accounts.models import Department, Doctor, Facility, User
from clinic.accounts.roles import Role
from clinic.accounts.services.directory import save_entry
from clinic.accounts.services.staff import register_staff
from clinic.audit.services.recording import record
from clinic.ops.fhir_import import mapping, values
from clinic.ops.fhir_import.mapping import Unusable
from clinic.ops.fhir_import.stage import identifiers_of
from patients.rules.identity import e164_of

IMPORTER = "fhir-import"
_NPI = "http://hl7.org/fhir/sid/us-npi"
_ELSEWHERE = "Outside practitioners"
_UNKNOWN = "unknown"


@transaction.atomic
def importer() -> User:
    """Whom the audit names for imported rows. Nobody can sign in as it, and it may do nothing."""
    user = User.objects.filter(username=IMPORTER).first()
    if user is None:
        user = User(username=IMPORTER, first_name="FHIR", last_name="import", is_active=False)
        user.set_unusable_password()
        user.save()
        record(action="accounts.user.registered", subject=user, actor=None, changes={"roles": []})
    return user


# --- Facilities ----------------------------------------------------------------------------


def ensure_facility(resource: dict, source_id: str, *, by: User) -> bool:
    """Whether a facility had to be made. Raises Unusable."""
    name = values.text(resource, "name")
    if not name:
        raise Unusable("it has no name")
    public_id = mapping.row_id("Organization", source_id)
    if Facility.objects.filter(public_id=public_id).exists():
        return False
    address = next(iter(values.parts(resource, "address")), {})
    city = values.text(address, "city")
    spelled = next((each for each in (name[:120], f"{name[:80]}, {city}"[:120]) if not Facility.objects.filter(name=each).exists()), None)
    if spelled is None:
        raise Unusable("there is a facility of that name in that place already")
    lines = [
        *values.texts(address, "line"),
        " ".join(filter(None, (city, values.text(address, "state"), values.text(address, "postalCode")))),
    ]
    phones = [values.text(each, "value") for each in values.parts(resource, "telecom") if values.text(each, "system") == "phone"]
    phone = (e164_of(phones[0], region=settings.PHONENUMBER_DEFAULT_REGION) or "") if phones else ""
    save_entry(entry=Facility(public_id=public_id, name=spelled, address="\n".join(filter(None, lines)), phone=phone), by=by)
    return True


# --- Doctors -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Practitioner:
    """Who they are: `key` is the id where there is one; the licence is their NPI, or else the key."""

    key: str
    first: str
    last: str
    npi: str = ""
    is_active: bool = True

    @property
    def licence(self) -> str:
        return f"NPI {self.npi}" if self.npi else self.key


def practitioner_of(resource: dict, source_id: str) -> Practitioner:
    """Raises Unusable."""
    name = next(iter(values.parts(resource, "name")), {})
    first, last = " ".join(values.texts(name, "given")), values.text(name, "family")
    if not first and not last:
        first, _, last = values.text(name, "text").rpartition(" ")
    if not first and not last:
        raise Unusable("it has no name")
    npi = next((name.partition("|")[2] for name in identifiers_of(resource) if name.startswith(f"{_NPI}|")), "")
    return Practitioner(source_id, first[:150], last[:150], npi, resource.get("active") is not False)


def practitioner_named(reference: dict, source_id: str) -> Practitioner:
    """All that an encounter says about who saw the patient, when the practitioner is not in the files."""
    identifier = values.part(reference, "identifier")
    query = values.text(reference, "reference").partition("?identifier=")[2]
    system, _, value = query.partition("|") if query else (values.text(identifier, "system"), "", values.text(identifier, "value"))
    npi = value if system == _NPI else ""
    words = values.text(reference, "display").removeprefix("Dr. ")
    first, _, last = words.rpartition(" ")
    key = source_id or value or words
    if not key:
        return Practitioner(_UNKNOWN, "Unknown", "practitioner", is_active=False)
    return Practitioner(key, first[:150] or "Practitioner", last[:150] or key[:36], npi)


def find_doctor(person: Practitioner) -> Doctor | None:
    """The doctor made of this practitioner before: by the id, or by NPI and family name."""
    doctors = Doctor.objects.select_related("user")
    found = doctors.filter(public_id=_doctor_id(person)).first()
    if found is None and person.npi:
        found = doctors.filter(licence_number=person.licence[:40], user__last_name=person.last).first()
    return found


def add_doctor(person: Practitioner, facility: Facility | None, *, by: User) -> Doctor:
    """A doctor who cannot sign in. An NPI that another doctor has already is told apart by the id."""
    licence = person.licence[:40]
    if Doctor.objects.filter(licence_number=licence).exists():
        licence = f"{licence[:19]} {mapping.row_id('licence', person.key).hex[:20]}"
    username = f"{IMPORTER}-{_doctor_id(person).hex[:12]}"
    data = {"username": username, "first_name": person.first, "last_name": person.last, "password": None}
    details = {"public_id": _doctor_id(person), "department": _department(facility, by=by), "licence_number": licence}
    user = register_staff(data=data, roles=[Role.DOCTOR], doctor=details | {"is_active": person.is_active}, by=by)
    return user.doctor


def _doctor_id(person: Practitioner):
    return mapping.row_id("Practitioner", person.key)


def _department(facility: Facility | None, *, by: User) -> Department:
    """Practitioners of one organization stand together; those of none in a facility for them."""
    if facility is None:
        facility = Facility.objects.filter(name=_ELSEWHERE).first() or save_entry(entry=Facility(name=_ELSEWHERE), by=by)
    found = Department.objects.filter(facility=facility, name=_ELSEWHERE).first()
    return found or save_entry(entry=Department(name=_ELSEWHERE, facility=facility), by=by)
