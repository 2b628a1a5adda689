from django.db.models import Q, QuerySet

from clinic.accounts.models import Doctor


def list_doctors(*, department=None, specialization=None, facility=None, search: str = "") -> QuerySet[Doctor]:
    """Active doctors with all that a row shows: 3 queries however many. The filters are public ids; `search` looks at names."""
    doctors = Doctor.objects.filter(is_active=True).select_related("user", "department").prefetch_related("specializations", "facilities")
    if department:
        doctors = doctors.filter(department__public_id=department)
    if specialization:
        doctors = doctors.filter(specializations__public_id=specialization)
    if facility:
        doctors = doctors.filter(facilities__public_id=facility)
    for word in search.split():
        doctors = doctors.filter(Q(user__first_name__icontains=word) | Q(user__last_name__icontains=word))
    return doctors
