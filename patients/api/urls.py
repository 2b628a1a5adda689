from rest_framework.routers import SimpleRouter

from patients.api.notes import ClinicalNoteViewSet
from patients.api.views import PatientViewSet

router = SimpleRouter(use_regex_path=False)
router.register("patients", PatientViewSet, basename="patient")
router.register("clinical-notes", ClinicalNoteViewSet, basename="clinical-note")

urlpatterns = router.urls
