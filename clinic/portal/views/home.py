from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic.accounts.roles import Role
from clinic.core.pages import signed_in_page
from clinic.portal import selectors
from clinic.portal.navigation import navigation_for

# Where each role's work is, in the order in which a person of several roles would look.
START_PAGES = {
    Role.RECEPTION: "portal:reception",
    Role.DOCTOR: "scheduling:queue",
    Role.NURSE: "scheduling:queue",
    Role.PHARMACIST: "pharmacy:worklist",
    Role.MANAGER: "analytics:day",
}


@require_safe
@signed_in_page
def start(request):
    """After signing in: straight to where one's work is; a person of no or several roles chooses at home."""
    pages = {page for role, page in START_PAGES.items() if request.user.has_role(role)}
    return redirect(pages.pop() if len(pages) == 1 and not request.user.has_role(Role.ADMIN) else "portal:home")


@require_safe
@signed_in_page
def home(request):
    if request.user.is_only_patient:
        return render(request, "portal/patient_home.html", selectors.patient_home(request.user, now=timezone.now()))
    entries = [entry for entry in navigation_for(request.user, request.path) if not entry["current"]]
    return render(request, "portal/home.html", {"entries": entries})
