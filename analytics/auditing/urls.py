from django.urls import path

from analytics.auditing import views

app_name = "audit"

urlpatterns = [
    path("", views.log, name="log"),
    path("anomalies/", views.anomalies, name="anomalies"),
    path("self-check/", views.self_check, name="self_check"),
    path("export.csv", views.export, name="export"),
]
