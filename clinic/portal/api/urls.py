from django.urls import path

from clinic.portal.api.history import PatientHistory
from clinic.portal.api.record import RecordJson, RecordPdf
from clinic.portal.api.timeline import PatientEvents

urlpatterns = [
    path("patients/<uuid:public_id>/history/", PatientHistory.as_view(), name="patient-history"),
    path("patients/<uuid:public_id>/history/events/", PatientEvents.as_view(), name="patient-events"),
    path("patients/<uuid:public_id>/export/", RecordJson.as_view(), name="patient-export"),
    path("patients/<uuid:public_id>/export/pdf/", RecordPdf.as_view(), name="patient-export-pdf"),
]
