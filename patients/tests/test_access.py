from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from clinic.core.db import constraint_of
from patients.errors import BreakGlassRequired, ChartNotRestricted, ReasonMissing
from patients.models import BreakGlass, Encounter, Patient, Vitals
from patients.services import access, encounters
from patients.services.reading import record_chart_read
from patients.tests.factories import ClinicalNoteFactory, EncounterFactory, PatientFactory, VitalsFactory

pytestmark = [pytest.mark.django_db, pytest.mark.urls("patients.tests.urls")]
HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/patients/?q=x"}


@pytest.fixture
def restricted():
    """A patient with a restricted chart and a visit that is over."""
    return EncounterFactory(patient=PatientFactory(is_restricted=True), signed=True, reason="CANARY").patient


def open_chart(patient, by, *, reason="Emergency at the desk", now=None):
    return access.break_glass(patient_id=patient.pk, reason=reason, by=by, now=now or timezone.now())


def refused_by(write) -> str:
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        write()
    return constraint_of(refusal.value)


class TestRows:
    def opening(self, **changes):
        now = timezone.now()
        values = {"reason": "x", "granted_at": now, "expires_at": now + timedelta(minutes=60)} | changes
        return BreakGlass.objects.create(patient=PatientFactory(), user=user(Role.NURSE), **values)

    def test_reason_is_needed(self):
        assert refused_by(lambda: self.opening(reason="")) == "break_glass_with_reason"

    @pytest.mark.parametrize("minutes", [-1, 0, 61])
    def test_it_lasts_at_most_60_minutes(self, minutes):
        at = timezone.now()
        until = at + timedelta(minutes=minutes)

        assert refused_by(lambda: self.opening(granted_at=at, expires_at=until)) == "break_glass_at_most_60_minutes"

    def test_it_is_neither_changed_nor_removed(self):
        opening = self.opening()

        later = opening.expires_at - timedelta(seconds=1)
        assert refused_by(lambda: BreakGlass.objects.update(expires_at=later)) == "break_glass_unchanged"
        assert refused_by(BreakGlass.objects.all().delete) == "break_glass_kept"


class TestWhoMayRead:
    def test_restricted_chart_is_refused_and_no_reading_is_on_record(self, restricted):
        with pytest.raises(BreakGlassRequired):
            record_chart_read(patient=restricted, by=user(Role.DOCTOR))

        assert not OutboxEvent.objects.filter(action="patients.chart.read").exists()

    def test_opening_is_for_one_person_one_patient_and_an_hour(self, restricted):
        nurse, other = user(Role.NURSE), user(Role.NURSE)
        now = timezone.now()
        open_chart(restricted, nurse, now=now)

        def may(by, patient=restricted, minutes=0):
            return access.is_chart_open(patient=patient, by=by, now=now + timedelta(minutes=minutes))

        assert may(nurse)
        assert may(nurse, minutes=59)
        assert not may(nurse, minutes=60)
        assert not may(other)
        assert not may(nurse, patient=PatientFactory(is_restricted=True))

    def test_doctor_needs_none_while_the_own_visit_is_in_progress(self, restricted):
        encounter = EncounterFactory(patient=restricted)
        record_chart_read(patient=restricted, by=encounter.doctor.user)

        encounters.mark_entered_in_error(encounter_id=encounter.pk, reason="wrong", by=encounter.doctor.user)

        with pytest.raises(BreakGlassRequired):
            record_chart_read(patient=restricted, by=encounter.doctor.user)

    def test_patient_reads_the_own(self):
        me = user(Role.PATIENT)

        record_chart_read(patient=PatientFactory(user=me, is_restricted=True), by=me)

    def test_second_opening_does_not_prolong_the_first(self, restricted):
        nurse, now = user(Role.NURSE), timezone.now()
        first = open_chart(restricted, nurse, now=now)

        assert open_chart(restricted, nurse, now=now + timedelta(minutes=30)) == first
        assert OutboxEvent.objects.filter(action="patients.chart.glass_broken").count() == 1

    def test_old_form_opens_anew_only_for_another_hour(self, restricted):
        nurse, now, request_id = user(Role.NURSE), timezone.now(), uuid4()
        ask = {"patient_id": restricted.pk, "reason": "x", "by": nurse, "request_id": request_id}
        access.break_glass(now=now, **ask)

        again = access.break_glass(now=now + timedelta(hours=2), **ask)

        assert again.expires_at == now + timedelta(hours=3)

    @pytest.mark.parametrize("reason", ["", "  "])
    def test_without_a_reason_nothing_opens(self, restricted, reason):
        with pytest.raises(ReasonMissing):
            open_chart(restricted, user(Role.NURSE), reason=reason)
        assert not BreakGlass.objects.exists()

    def test_chart_that_is_not_restricted_needs_none(self):
        with pytest.raises(ChartNotRestricted):
            open_chart(PatientFactory(), user(Role.NURSE))
        assert not BreakGlass.objects.exists()

    def test_only_who_may_read_it_lifts_the_restriction(self, restricted):
        doctor = user(Role.DOCTOR)
        with pytest.raises(BreakGlassRequired):
            access.set_restricted(patient_id=restricted.pk, is_restricted=False, by=doctor)

        open_chart(restricted, doctor)
        access.set_restricted(patient_id=restricted.pk, is_restricted=False, by=doctor)

        assert not Patient.objects.get(pk=restricted.pk).is_restricted


class TestApi:
    def paths(self, patient):
        visit = patient.encounters.get()
        return [
            f"patients/{patient.public_id}/",
            f"patients/{patient.public_id}/history/",
            f"clinical-notes/{visit.public_id}/",
            *(f"visits/{visit.public_id}/{part}" for part in ("", "vitals/", "diagnoses/", "treatments/", "notes/", "addenda/")),
        ]

    def test_every_way_to_the_chart_asks_for_the_reason(self, api_as, restricted):
        doctor = api_as(user(Role.DOCTOR))

        for path in self.paths(restricted):
            answer = doctor.get(f"/api/v1/{path}")
            assert (answer.status_code, answer.json()["code"]) == (403, "break_glass_required"), path
            assert b"CANARY" not in answer.content
        assert doctor.get("/api/v1/visits/").json()["results"] == []

    def test_with_a_reason_it_opens(self, api_as, restricted):
        doctor = api_as(user(Role.DOCTOR))

        opened = doctor.post(f"/api/v1/patients/{restricted.public_id}/break-glass/", {"reason": "Emergency"})

        assert opened.status_code == 201
        for path in self.paths(restricted):
            assert doctor.get(f"/api/v1/{path}").status_code == 200, path
        assert len(doctor.get("/api/v1/visits/").json()["results"]) == 1

    @pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x" * 201}])
    def test_without_a_reason_it_does_not(self, api_as, restricted, body):
        answer = api_as(user(Role.DOCTOR)).post(f"/api/v1/patients/{restricted.public_id}/break-glass/", body)

        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["reason"])
        assert not BreakGlass.objects.exists()

    def test_nothing_is_written_into_it_either(self, api_as, restricted):
        visit = EncounterFactory(patient=restricted)
        client = api_as(user(Role.DOCTOR))

        sent = [
            client.post(f"/api/v1/visits/{visit.public_id}/vitals/", {"pain": 1}),
            client.patch(f"/api/v1/visits/{visit.public_id}/", {"reason": "x"}),
            client.post(f"/api/v1/visits/{visit.public_id}/complete/"),
            client.patch(f"/api/v1/patients/{restricted.public_id}/", {"address": "x"}),
            client.post(
                "/api/v1/clinical-notes/",
                {"record_uuid": str(visit.public_id), "patient": str(restricted.public_id), "text": "x"},
            ),
        ]

        assert [answer.json()["code"] for answer in sent] == ["break_glass_required"] * 5
        assert not Vitals.objects.exists()
        assert Encounter.objects.get(pk=visit.pk).version == 1

    def test_list_of_visits_shows_those_of_open_charts(self, api_as, restricted):
        mine = EncounterFactory(patient=PatientFactory(is_restricted=True))
        other = EncounterFactory()

        rows = api_as(mine.doctor.user).get("/api/v1/visits/").json()["results"]

        assert {row["id"] for row in rows} == {str(mine.public_id), str(other.public_id)}

    def test_list_of_visits_shows_staff_their_own(self, api_as, restricted):
        doctor = user(Role.DOCTOR)
        own = EncounterFactory(patient=PatientFactory(is_restricted=True, user=doctor), signed=True)

        rows = api_as(doctor).get("/api/v1/visits/").json()["results"]

        assert [row["id"] for row in rows] == [str(own.public_id)]

    def test_manager_sees_who_opened_what_and_why(self, api_as, restricted):
        nurse = user(Role.NURSE)
        open_chart(restricted, nurse, reason="Fell in the hall")

        [row] = api_as(user(Role.MANAGER)).get("/api/v1/break-glass/").json()["results"]

        assert (row["patient"], row["user"], row["reason"]) == (str(restricted.public_id), str(nurse.public_id), "Fell in the hall")
        assert api_as(nurse).get("/api/v1/break-glass/").status_code == 403

    def test_doctor_restricts_and_reception_does_not(self, api_as):
        patient, doctor = PatientFactory(), api_as(user(Role.DOCTOR))
        url = f"/api/v1/patients/{patient.public_id}/restrict/"

        assert api_as(user(Role.RECEPTION)).post(url).status_code == 403
        assert doctor.post(url).json()["is_restricted"] is True
        assert doctor.post(url.replace("restrict", "unrestrict")).json()["code"] == "break_glass_required"


class TestPages:
    @pytest.fixture
    def nurse(self, client_as):
        return client_as(user(Role.NURSE))

    def test_chart_and_visit_ask_for_a_reason(self, nurse, restricted):
        visit = VitalsFactory(encounter__patient=restricted).encounter
        note = ClinicalNoteFactory(encounter=visit)

        for url in (reverse("patients:chart", args=[restricted.public_id]), reverse("portal:consultation", args=[visit.public_id])):
            answer = nurse.get(url)
            assert answer.status_code == 403
            assert b"Why do you need to open it" in answer.content
            assert b"CANARY" not in answer.content
            assert note.body["text"].encode() not in answer.content
        refused = OutboxEvent.objects.filter(action="request.refused").last()
        assert refused.document["changes"]["code"] == "break_glass_required"

    def test_reason_leads_to_where_one_was_going(self, nurse, restricted):
        chart = reverse("patients:chart", args=[restricted.public_id])
        asking = reverse("patients:break_glass", args=[restricted.public_id])

        answer = nurse.post(asking, {"reason": "Fell in the hall", "then": chart, "request_id": str(uuid4())})

        assert (answer.status_code, answer.url) == (302, chart)
        assert nurse.get(chart).status_code == 200

    def test_nobody_is_led_out_of_the_clinic(self, nurse, restricted):
        asking = reverse("patients:break_glass", args=[restricted.public_id])

        answer = nurse.post(asking, {"reason": "x", "then": "//evil.example/"})

        assert answer.url == reverse("patients:chart", args=[restricted.public_id])

    def test_without_a_reason_the_form_comes_back(self, nurse, restricted):
        answer = nurse.post(reverse("patients:break_glass", args=[restricted.public_id]), {"reason": " "})

        assert answer.status_code == 422
        assert not BreakGlass.objects.exists()

    def test_part_of_a_page_sends_the_whole_page_to_ask(self, nurse, restricted):
        visit = EncounterFactory(patient=restricted)

        answer = nurse.post(reverse("patients:add_vitals", args=[visit.public_id]), {"pain": "1"}, headers=HTMX)

        assert answer.status_code == 403
        assert answer["HX-Redirect"].startswith(reverse("patients:break_glass", args=[restricted.public_id]))
        assert not Vitals.objects.exists()

    def test_edit_is_refused_both_ways(self, nurse, restricted):
        url = reverse("patients:edit", args=[restricted.public_id])

        assert nurse.get(url).status_code == 403
        assert nurse.post(url, {"first_name": "Changed"}).status_code == 403
        assert not Patient.objects.filter(first_name="Changed").exists()

    def test_role_that_opens_none_is_told_so(self, client_as, restricted):
        manager = client_as(user(Role.MANAGER))

        assert manager.get(reverse("patients:break_glass", args=[restricted.public_id])).status_code == 403

    def test_managers_list_is_flat_in_queries(self, client_as, restricted, django_assert_max_num_queries):
        for _ in range(12):
            open_chart(restricted, user(Role.NURSE), reason="Fell in the hall")
        manager = client_as(user(Role.MANAGER))

        with django_assert_max_num_queries(8):
            page = manager.get(reverse("patients:openings"))

        assert page.content.count(b"Fell in the hall") == 12
        assert restricted.last_name.encode() not in page.content

    def test_chart_is_restricted_and_opened_up_from_its_page(self, client_as):
        encounter = EncounterFactory()
        doctor = client_as(encounter.doctor.user)  # treats the patient now: may see what is restricted

        for name, expected in (("restrict", True), ("unrestrict", False)):
            doctor.post(reverse(f"patients:{name}", args=[encounter.patient.public_id]))
            assert Patient.objects.get().is_restricted is expected

    def test_patient_sees_who_read_the_chart(self, client_as, restricted):
        me, nurse = user(Role.PATIENT), user(Role.NURSE)
        Patient.objects.filter(pk=restricted.pk).update(user=me)
        open_chart(restricted, nurse)
        record_chart_read(patient=restricted, by=nurse)
        record_chart_read(patient=PatientFactory(), by=user(Role.NURSE, last_name="Elsewhere"))

        page = client_as(me).get(reverse("patients:own_access_log")).content.decode()

        assert page.count(str(nurse)) == 2
        assert "Opened the restricted chart" in page
        assert "Elsewhere" not in page

    def test_patient_gets_nobody_elses_log(self, client_as, restricted):
        me = user(Role.PATIENT)

        assert client_as(me).get(reverse("patients:access_log", args=[restricted.public_id])).status_code == 404
        assert client_as(me).get(reverse("patients:own_access_log")).status_code == 404
