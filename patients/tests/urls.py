"""The project's routes, and the visits that the scheduling app mounts: tests here do not need that app."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from patients.api.visits import VisitViewSet

router = SimpleRouter(use_regex_path=False)
router.register("visits", VisitViewSet, basename="visit")

handler404 = "clinic.core.views.page_not_found"
handler500 = "clinic.core.views.server_error"
urlpatterns = [path("api/v1/", include(router.urls)), path("", include("clinic.urls"))]
