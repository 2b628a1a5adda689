from django.conf import settings
from phonenumber_field.serializerfields import PhoneNumberField
from rest_framework import serializers

from clinic.accounts.models import Department, Doctor, Facility, Specialization, User
from clinic.accounts.roles import Role
from clinic.core.serializers import MoneyField, PublicIdField


class UserSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField(source="__str__")
    roles = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ["id", "name", "roles"]

    def get_roles(self, user) -> list[str]:
        return sorted(user.roles)


class MeSerializer(UserSerializer):
    doctor = serializers.UUIDField(source="doctor.public_id", default=None)
    patient = serializers.UUIDField(source="patient.public_id", default=None)

    class Meta(UserSerializer.Meta):
        fields = ["id", "name", "username", "roles", "doctor", "patient"]


class LoginInput(serializers.Serializer):
    username = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=200, trim_whitespace=False)


class RefreshInput(serializers.Serializer):
    refresh = serializers.CharField(max_length=200)


class AddressInput(serializers.Serializer):
    email = serializers.EmailField(max_length=254)


class SignUpInput(AddressInput):
    first_name = serializers.CharField(max_length=80)
    last_name = serializers.CharField(max_length=80)
    date_of_birth = serializers.DateField()
    phone = PhoneNumberField(region=settings.PHONENUMBER_DEFAULT_REGION, required=False, allow_blank=True)


class NewPasswordInput(serializers.Serializer):
    token = serializers.CharField(max_length=200)
    password = serializers.CharField(max_length=200, trim_whitespace=False)


class FacilitySerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)

    class Meta:
        model = Facility
        fields = ["id", "name", "address", "phone"]


class DepartmentSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    facility = PublicIdField(queryset=Facility.objects.all())
    facility_name = serializers.CharField(source="facility.name", read_only=True)

    class Meta:
        model = Department
        fields = ["id", "name", "location", "facility", "facility_name"]
        validators = []  # the database's constraint answers, as a conflict


class SpecializationSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)

    class Meta:
        model = Specialization
        fields = ["id", "name"]
        validators = []


class DoctorDetailsInput(serializers.Serializer):
    """What makes a user a doctor."""

    department = PublicIdField(queryset=Department.objects.select_related("facility"))
    specializations = PublicIdField(queryset=Specialization.objects.all(), many=True, required=False)
    facilities = PublicIdField(queryset=Facility.objects.all(), many=True, required=False)
    licence_number = serializers.CharField(max_length=40)
    experience_years = serializers.IntegerField(min_value=0, max_value=90, required=False)
    consultation_fee = MoneyField(required=False)
    slot_minutes = serializers.IntegerField(min_value=5, max_value=240, required=False)
    room = serializers.CharField(max_length=40, required=False, allow_blank=True)


class StaffInput(serializers.Serializer):
    username = serializers.RegexField(r"^[\w.@+-]+$", max_length=150)
    email = serializers.EmailField(required=False, allow_blank=True, default="")
    password = serializers.CharField(max_length=200, trim_whitespace=False)
    first_name = serializers.CharField(max_length=150)
    last_name = serializers.CharField(max_length=150)
    roles = serializers.ListField(child=serializers.ChoiceField(choices=Role.choices), allow_empty=False)
    doctor = DoctorDetailsInput(required=False, allow_null=True)


class DoctorInput(DoctorDetailsInput):
    """A new doctor: the person and the details in one body. Without a password they cannot sign in yet."""

    username = serializers.RegexField(r"^[\w.@+-]+$", max_length=150)
    email = serializers.EmailField(required=False, allow_blank=True, default="")
    password = serializers.CharField(max_length=200, trim_whitespace=False, required=False, allow_null=True, default=None)
    first_name = serializers.CharField(max_length=150)
    last_name = serializers.CharField(max_length=150)


class DoctorFilter(serializers.Serializer):
    department = serializers.UUIDField(required=False)
    specialization = serializers.UUIDField(required=False)
    facility = serializers.UUIDField(required=False)
    search = serializers.CharField(max_length=100, required=False, allow_blank=True)


class DoctorSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    first_name = serializers.CharField(source="user.first_name", read_only=True)
    last_name = serializers.CharField(source="user.last_name", read_only=True)
    department = serializers.UUIDField(source="department.public_id", read_only=True)
    department_name = serializers.CharField(source="department.name", read_only=True)
    specializations = SpecializationSerializer(many=True, read_only=True)
    facilities = PublicIdField(many=True, read_only=True)

    class Meta:
        model = Doctor
        fields = [
            "id",
            "name",
            "first_name",
            "last_name",
            "department",
            "department_name",
            "specializations",
            "facilities",
            "licence_number",
            "experience_years",
            "consultation_fee",
            "slot_minutes",
            "room",
            "is_active",
        ]
