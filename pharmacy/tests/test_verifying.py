"""The public page behind the code on a paper."""

import io
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from clinic.audit.models import OutboxEvent
from clinic.core.db import constraint_of
from clinic.core.redis import RedisDown
from patients.models import Patient
from pharmacy import printing
from pharmacy.models import Dispense, Prescription
from pharmacy.services.prescribing import cancel_prescription
from pharmacy.tests.factories import MedicineFactory, dispensed, drafted, line_of, pharmacist, signed, stocked
from pharmacy.views import verifying

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nobody_counts(monkeypatch):
    monkeypatch.setattr(verifying, "count_lookup", lambda address: 1)


def shown(client, prescription):
    prescription.refresh_from_db()
    return client.get(reverse("pharmacy:verify", args=[prescription.paper_code]))


def test_a_signed_prescription_is_valid_and_nobody_is_named(client):
    prescription = signed(line_of(MedicineFactory(name="Secretol 5 mg"), instructions="for the rash"), line_of(MedicineFactory()))
    events = OutboxEvent.objects.count()

    answer = shown(client, prescription)

    page = answer.content.decode()
    assert "This prescription is valid" in page
    assert "<dd>2</dd>" in page
    patient, doctor = prescription.patient, prescription.prescriber
    for private in (patient.last_name, patient.mrn, doctor.name, "Secretol", "rash", str(prescription.public_id), str(patient.public_id)):
        assert private not in page
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]
    assert OutboxEvent.objects.count() == events


def test_the_page_follows_what_became_of_it(client):
    batch = stocked(20, on=timezone.localdate())
    prescription = signed(line_of(batch.medicine, 6))
    item = prescription.items.get()

    dispensed(prescription, on=timezone.localdate(), items=[{"item": item.public_id, "quantity": 2}])
    assert "valid in part" in shown(client, prescription).content.decode()
    dispensed(prescription, on=timezone.localdate())
    assert "used up" in shown(client, prescription).content.decode()

    cancelled = signed()
    cancel_prescription(prescription_id=cancelled.pk, reason="wrong", by=cancelled.prescriber.user)
    assert "was cancelled" in shown(client, cancelled).content.decode()


def test_it_has_expired_on_its_day_although_no_sweep_has_run(client, monkeypatch):
    prescription = signed()
    last = prescription.valid_until

    monkeypatch.setattr(timezone, "localdate", lambda *args: last - timedelta(days=1))
    assert "is valid" in shown(client, prescription).content.decode()
    monkeypatch.setattr(timezone, "localdate", lambda *args: last)
    assert "has expired" in shown(client, prescription).content.decode()


def test_a_draft_and_a_made_up_code_answer_alike(client):
    draft = drafted()

    unsigned, unknown = shown(client, draft), client.get(reverse("pharmacy:verify", args=[uuid4()]))

    assert (unsigned.status_code, unknown.status_code) == (404, 404)
    assert _without_token(unsigned) == _without_token(unknown)
    assert client.get(reverse("pharmacy:verify", args=[signed().public_id])).status_code == 404
    for bad in ("x", "0", "%00", "1" * 500):
        assert client.get(f"/pharmacy/papers/{bad}/").status_code in {302, 404}


def _without_token(answer) -> str:
    return re.sub(r'("X-CSRFToken": ")[^"]*|name="csrfmiddlewaretoken" value="[^"]*"', "", answer.content.decode())


def test_too_many_lookups_wait_and_without_redis_nobody_does(client, monkeypatch):
    prescription = signed()

    monkeypatch.setattr(verifying, "count_lookup", lambda address: verifying.MOST_LOOKUPS + 1)
    assert shown(client, prescription).status_code == 429

    def fails(address):
        raise RedisDown

    monkeypatch.setattr(verifying, "count_lookup", fails)
    assert shown(client, prescription).status_code == 200


def test_lookups_are_counted_by_address_in_redis():
    from pharmacy.stores import count_lookup

    here, there = f"test-{uuid4()}", f"test-{uuid4()}"
    assert [count_lookup(here) for _ in range(3)] == [1, 2, 3]
    assert count_lookup(there) == 1


def test_the_code_is_each_ones_own_and_stays():
    one, other = signed(), signed()
    one.refresh_from_db()

    with pytest.raises(IntegrityError) as error, transaction.atomic():
        Prescription.objects.filter(pk=other.pk).update(paper_code=uuid4())

    assert constraint_of(error.value) == "prescription_signed_is_frozen"
    other.refresh_from_db()
    assert one.paper_code != other.paper_code


def test_the_paper_leads_to_the_page_and_the_counter_reads_it(client_as, monkeypatch):
    codes = []
    make = printing.segno.make
    monkeypatch.setattr(printing.segno, "make", lambda words, **options: codes.append(words) or make(words, **options))
    prescription = Prescription.objects.with_details().get(pk=signed().pk)

    document = printing.prescription_pdf(prescription, request=RequestFactory().get("/"))

    assert document.startswith(b"%PDF")
    assert codes == [f"http://testserver/pharmacy/papers/{prescription.paper_code}/"]
    for scanned in (codes[0], str(prescription.paper_code), str(prescription.public_id)):
        answer = client_as(pharmacist()).get(reverse("pharmacy:worklist"), {"q": scanned})
        assert answer.headers.get("Location") == reverse("pharmacy:dispense", args=[prescription.public_id])


@pytest.mark.parametrize(("precision", "beside"), [("day", ""), ("estimated", "(estimated)"), ("year", "(year only)")])
def test_a_birth_date_that_nobody_knows_is_not_printed_as_known(precision, beside):
    prescription = signed()
    Patient.objects.filter(pk=prescription.patient_id).update(date_of_birth="1971-03-04", date_of_birth_precision=precision)
    prescription = Prescription.objects.with_details().get(pk=prescription.pk)

    paper = PdfReader(io.BytesIO(printing.prescription_pdf(prescription, request=RequestFactory().get("/"))))

    born = re.search(r"04 Mar 1971\s*(\([\w\s]+\))?", paper.pages[0].extract_text())
    assert " ".join((born[1] or "").split()) == beside


# --- Labels --------------------------------------------------------------------------------------


def test_labels_are_62_mm_wide_one_to_each_line(client_as):
    prescription = signed(line_of(stocked(9).medicine, 6, instructions="#after *food*"), line_of(stocked(9).medicine))
    dispense = dispensed(prescription)

    answer = client_as(pharmacist()).get(reverse("pharmacy:label_roll", args=[dispense.public_id]))

    pages = [float(width) for width in re.findall(rb"/MediaBox ?\[0 0 ([\d.]+)", answer.content)]
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert len(pages) == 2
    assert all(abs(width - 62 / 25.4 * 72) < 0.1 for width in pages)


def test_a_label_says_what_was_handed_out_and_how_to_take_it():
    batch = stocked(9, lot="LOT7")
    dispense = dispensed(signed(line_of(batch.medicine, 6, instructions="After food")))
    row = Dispense.objects.with_details().get(pk=dispense.pk)

    [label] = printing._labels_of(row)["labels"]

    assert label == {
        "medicine": f"{batch.medicine.name} tablet",
        "instead_of": "",
        "quantity": "6 tablets",
        "owed": "",
        "directions": "Take 1 tablet by mouth 3 times a day for 2 days.",
        "instructions": "After food",
        "lot": "LOT7",
        "expires": "01 Jan 2028",
    }
