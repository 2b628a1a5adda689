"""The joined API: each app's routes under /api/v1/, and its description."""

from csp.decorators import csp_update
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny

from clinic.core.views import UnknownEndpoint

v1 = [
    path("", include("clinic.accounts.api.urls")),
    path("", include("patients.api.urls")),
    path("", include("scheduling.api.urls")),
    path("", include("pharmacy.api.urls")),
    path("", include("billing.api.urls")),
    path("", include("analytics.api.urls")),
    path("", include("clinic.portal.api.urls")),
]

# The description names no person: it is public. Its views keep their own, wider rules for styles.
public = {"permission_classes": [AllowAny], "authentication_classes": []}
inline_styles = csp_update({"style-src": ["'self'", "'unsafe-inline'"], "worker-src": ["'self'", "blob:"]})

urlpatterns = [
    path("v1/", include((v1, "api"), namespace="v1")),
    path("schema/", SpectacularAPIView.as_view(**public), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="schema", **public), name="docs"),
    path("redoc/", inline_styles(SpectacularRedocView.as_view(url_name="schema", **public)), name="redoc"),
    path("<path:rest>", UnknownEndpoint.as_view()),
]
