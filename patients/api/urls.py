from rest_framework.routers import SimpleRouter

from patients.api.notes import ClinicalNoteViewSet
from patients.api.openings import BreakGlassViewSet
from patients.api.treatment_types import TreatmentTypeViewSet
from patients.api.views import PatientViewSet

router = SimpleRouter(use_regex_path=False)
router.register("patients", PatientViewSet, basename="patient")
router.register("clinical-notes", ClinicalNoteViewSet, basename="clinical-note")
router.register("break-glass", BreakGlassViewSet, basename="break-glass")
router.register("treatment-types", TreatmentTypeViewSet, basename="treatment-type")

urlpatterns = router.urls
