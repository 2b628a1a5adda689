from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DataError
from django.db.models import Count, F, Value
from django.utils import timezone

from clinic.core.together import put_children, read_at_once, together
from patients.models import ClinicalNote, Encounter, Patient, Vitals
from patients.tests.factories import AllergyFactory, ClinicalNoteFactory, EncounterFactory, PatientFactory, VitalsFactory

pytestmark = pytest.mark.django_db


def test_one_round_trip_gives_each_queryset_what_it_gives_alone(django_assert_num_queries):
    visit = EncounterFactory(reason="100 % 'quoted'; SELECT 1")
    VitalsFactory.create_batch(3, encounter=visit, temperature_c=Decimal("38.6"))
    ClinicalNoteFactory(encounter=visit)

    def querysets():
        return [
            Encounter.objects.filter(reason="100 % 'quoted'; SELECT 1").select_related("patient", "doctor__user", "signed_by"),
            visit.vitals.select_related("recorded_by").order_by("-recorded_at", "-id"),
            ClinicalNote.objects.annotate(later=F("written_at") + Value(timedelta(days=1))),
            Vitals.objects.values_list("temperature_c", "public_id", "recorded_at"),
            Vitals.objects.order_by().values_list("pulse_bpm", flat=True).distinct(),
            Patient.objects.values("sex").annotate(number=Count("id")).order_by("sex"),
            Patient.objects.filter(pk__in=[]),
            Patient.objects.filter(last_name="Nobody"),
            Vitals.objects.order_by("id")[1:2],
            Encounter.objects.filter(pk__in=Vitals.objects.filter(pulse_bpm=72).values("encounter")).distinct().order_by("reason"),
        ]

    alone, at_once = querysets(), querysets()
    with django_assert_num_queries(1):
        read_at_once(at_once)

    with django_assert_num_queries(0):
        assert at_once[0][0].patient.last_name == visit.patient.last_name
        assert [row.encounter for row in at_once[1]] == [visit] * 3  # known from the relation that it came by
        found = [list(each) for each in at_once]
    assert found == [list(each) for each in alone]
    assert [vars(row).keys() for row in found[2]] == [vars(row).keys() for row in alone[2]]
    assert found[2][0].body == ClinicalNote.objects.get().body
    assert found[3][0][0] == Decimal("38.6")


def test_what_was_read_already_is_not_asked_again(django_assert_num_queries):
    PatientFactory()
    patients = Patient.objects.all()
    assert len(patients) == 1

    with django_assert_num_queries(0):
        read_at_once([patients])
        read_at_once([])


def test_prefetches_follow(django_assert_num_queries):
    AllergyFactory()
    patients = Patient.objects.prefetch_related("allergies")

    with django_assert_num_queries(2):
        read_at_once([patients])
        assert len(patients[0].allergies.all()) == 1


def test_readers_share_their_steps(django_assert_num_queries):
    visit = EncounterFactory()
    VitalsFactory(encounter=visit)

    def in_one_step():
        sets = Vitals.objects.order_by("id")
        yield [sets]
        return [row.pulse_bpm for row in sets]

    def in_two_steps():
        visits = Encounter.objects.filter(pk=visit.pk)
        yield [visits]
        patients = Patient.objects.filter(pk__in=[each.patient_id for each in visits])
        yield [patients]
        return list(patients)

    def without():
        return "nothing to read"
        yield

    with django_assert_num_queries(2):
        found = together(in_two_steps(), in_one_step(), without())

    assert found == [[visit.patient], [72], "nothing to read"]


def test_children_stand_where_a_prefetch_would_put_them(django_assert_num_queries):
    first, second = PatientFactory(), PatientFactory()
    rows = [AllergyFactory(patient=first), AllergyFactory(patient=first)]
    patients = list(Patient.objects.filter(pk__in=[first.pk, second.pk]).order_by("pk"))

    with django_assert_num_queries(0):
        put_children(patients, "allergies", rows)
        assert [list(each.allergies.all()) for each in patients] == [rows, []]
        assert rows[0].patient is patients[0]
    put_children([], "allergies", [])


@pytest.mark.django_db(transaction=True)
def test_one_that_fails_fails_all():
    PatientFactory()
    impossible = Patient.objects.extra(select={"never": "1 / (id - id)"})
    patients = Patient.objects.all()

    with pytest.raises(DataError):
        read_at_once([patients, impossible])

    assert patients._result_cache is None
    assert timezone.is_aware(Patient.objects.get().created_at)  # the connection is as good as before
