"""Mount points only."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from analytics.metrics import metrics
from clinic.core import patterns
from clinic.core import views as core_views

handler404 = "clinic.core.views.page_not_found"
handler500 = "clinic.core.views.server_error"

urlpatterns = [
    path("", include("clinic.portal.urls")),
    path("accounts/", include("clinic.accounts.urls")),
    path("patients/", include("patients.urls")),
    path("scheduling/", include("scheduling.urls")),
    path("pharmacy/", include("pharmacy.urls")),
    path("billing/", include("billing.urls")),
    path("analytics/", include("analytics.urls")),
    path("audit/", include("analytics.auditing.urls")),
    path("admin/", admin.site.urls),
    path("api/", include("clinic.api")),
    path("healthz", core_views.healthz, name="healthz"),
    path("readyz", core_views.readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
if settings.DEBUG or settings.DEMO:
    urlpatterns.append(path("patterns/", patterns.patterns, name="patterns"))
