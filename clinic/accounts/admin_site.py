from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe

from clinic.accounts import views
from clinic.accounts.permissions import OPEN_BACK_OFFICE
from clinic.core.pages import page_for
from clinic.core.policy import needs

BACK_OFFICE = needs(OPEN_BACK_OFFICE)


class ClinicAdminSite(admin.AdminSite):
    """The back office, behind the clinic's own sign-in page: one door, one lockout, one audit trail."""

    site_header = settings.CLINIC_NAME
    site_title = settings.CLINIC_NAME
    index_title = "Back office"

    def has_permission(self, request):
        return BACK_OFFICE.lets_in(request.user)

    def admin_view(self, view, cacheable=False):
        """403 for who is signed in and not let in: signing in again would not help."""
        return page_for(BACK_OFFICE)(super().admin_view(view, cacheable))

    @method_decorator([login_not_required, require_safe])
    def login(self, request, extra_context=None):
        return redirect_to_login(request.GET.get("next", reverse("admin:index")), reverse(settings.LOGIN_URL))

    def logout(self, request, extra_context=None):
        return views.logout(request)

    def password_change(self, request, extra_context=None):
        return redirect("accounts:password_change")

    def password_change_done(self, request, extra_context=None):
        return self.password_change(request)
