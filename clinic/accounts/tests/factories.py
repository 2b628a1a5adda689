"""Minimal valid rows. `user(Role.DOCTOR)` makes a user with roles; a doctor needs a DoctorFactory."""

import factory
from django.contrib.auth.models import Group

from clinic.accounts.models import Department, Doctor, Facility, Specialization, User
from clinic.accounts.roles import Role

PASSWORD = "correct horse battery"


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    email = factory.Sequence(lambda n: f"user{n}@example.org")
    first_name = "Ada"
    last_name = factory.Sequence(lambda n: f"Person{n}")
    password = factory.django.Password(PASSWORD)

    @factory.post_generation
    def roles(self, create, extracted, **kwargs):
        for role in extracted or ():
            self.groups.add(Group.objects.get_or_create(name=role)[0])


def user(*roles: Role, **attributes) -> User:
    return UserFactory(roles=roles, **attributes)


class FacilityFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Facility

    name = factory.Sequence(lambda n: f"Facility {n}")


class DepartmentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Department

    name = factory.Sequence(lambda n: f"Department {n}")
    facility = factory.SubFactory(FacilityFactory)


class SpecializationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Specialization

    name = factory.Sequence(lambda n: f"Specialization {n}")


class DoctorFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Doctor

    user = factory.LazyFunction(lambda: user(Role.DOCTOR))
    department = factory.SubFactory(DepartmentFactory)
    licence_number = factory.Sequence(lambda n: f"L{n}")
    consultation_fee = "40.00"
