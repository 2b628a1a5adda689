from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.urls import reverse


class ClinicAdminSite(admin.AdminSite):
    """The back office, behind the clinic's own sign-in page: one door, one lockout, one audit trail."""

    site_header = settings.CLINIC_NAME
    site_title = settings.CLINIC_NAME
    index_title = "Back office"

    def login(self, request, extra_context=None):
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next", reverse("admin:index")), reverse(settings.LOGIN_URL))
