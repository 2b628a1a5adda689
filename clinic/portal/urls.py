from django.urls import path

from clinic.portal.views import consultation, home, reception, record, summary, timeline

app_name = "portal"

urlpatterns = [
    path("consultations/<uuid:encounter>/", consultation.consultation, name="consultation"),
    path("consultations/<uuid:encounter>/summary/", summary.visit_summary, name="visit_summary"),
    path("consultations/<uuid:encounter>/summary.pdf", summary.visit_summary_pdf, name="visit_summary_pdf"),
    path("patients/<uuid:patient>/history/", timeline.timeline, name="timeline"),
    path("", home.start, name="start"),
    path("home/", home.home, name="home"),
    path("record/", record.own_record, name="own_record"),
    path("record/<uuid:patient>/", record.record, name="record"),
    path("record/<uuid:patient>/record.pdf", record.download, {"file_type": "pdf"}, name="record_pdf"),
    path("record/<uuid:patient>/record.json", record.download, {"file_type": "json"}, name="record_json"),
    path("reception/", reception.reception, name="reception"),
]
