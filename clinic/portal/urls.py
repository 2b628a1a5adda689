from django.urls import path

from clinic.portal.views import consultation, home, reception, timeline

app_name = "portal"

urlpatterns = [
    path("consultations/<uuid:encounter>/", consultation.consultation, name="consultation"),
    path("patients/<uuid:patient>/history/", timeline.timeline, name="timeline"),
    path("", home.start, name="start"),
    path("home/", home.home, name="home"),
    path("reception/", reception.reception, name="reception"),
]
