from django.urls import path

from clinic.portal.api.history import PatientHistory

urlpatterns = [path("patients/<uuid:public_id>/history/", PatientHistory.as_view(), name="patient-history")]
