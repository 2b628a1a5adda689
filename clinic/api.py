"""The joined API: each app's routes under /api/v1/, and its description."""

from django.urls import include, path

v1 = [
    path("", include("clinic.accounts.api.urls")),
    path("", include("patients.api.urls")),
    path("", include("scheduling.api.urls")),
    path("", include("pharmacy.api.urls")),
    path("", include("billing.api.urls")),
    path("", include("analytics.api.urls")),
]

urlpatterns = [
    path("v1/", include((v1, "api"), namespace="v1")),
]
