from django.urls import path

from analytics import views
from analytics.dashboards import views as dashboards

app_name = "analytics"

urlpatterns = [
    path("", dashboards.dashboard, name="home"),
    path("day/", views.day, name="day"),
    path("rows/<slug:kind>/", dashboards.rows, name="rows"),
    path("rows/<slug:kind>/<slug:form>/", dashboards.rows, name="rows_file"),
    path("<slug:key>/", dashboards.dashboard, name="dashboard"),
    path("<slug:key>/<slug:figure>/<slug:form>/", dashboards.export, name="export"),
]
