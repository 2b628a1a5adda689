from rest_framework.routers import SimpleRouter

from patients.api.notes import ClinicalNoteViewSet
from patients.api.views import PatientViewSet

router = SimpleRouter()
router.register("patients", PatientViewSet, basename="patient")
router.register("clinical-notes", ClinicalNoteViewSet, basename="clinical-note")

urlpatterns = router.urls
