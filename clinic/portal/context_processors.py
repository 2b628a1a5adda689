from django.conf import settings

from clinic.accounts.roles import Role
from clinic.core import mongo
from clinic.portal.navigation import navigation_for


def clinic(request):
    """What base.html shows on every page: the clinic, the demo mark, and the navigation of the user's roles."""
    user = getattr(request, "user", None)
    signed_in = user is not None and user.is_authenticated
    return {
        "clinic_name": settings.CLINIC_NAME,
        "currency": settings.CURRENCY,
        "demo": settings.DEMO,
        "mongodb_kind": mongo.server_kind() if signed_in else "",
        "role_names": [Role(name).label for name in sorted(user.roles)] if signed_in else [],
        "locks_after_s": int(settings.IDLE_LOCK_AFTER.total_seconds()) if signed_in and not request.session.is_locked else None,
        "nav": navigation_for(user, request.path) if signed_in else [],
        "can_search_patients": signed_in and user.is_staff_member and user.has_perm("patients.view_patient"),
    }
