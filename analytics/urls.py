from django.urls import path

from analytics import views
from analytics.dashboards import views as dashboards
from analytics.month_reports import views as month_reports

app_name = "analytics"

urlpatterns = [
    path("", dashboards.dashboard, name="home"),
    path("day/", views.day, name="day"),
    path("month-report/", month_reports.month_reports, name="month_reports"),
    path("month-report/wanted/", month_reports.want, name="want_month_reports"),
    path("month-report/<int:year>/<int:month>/", month_reports.month_report, name="month_report"),
    path("month-report/<int:year>/<int:month>/send/", month_reports.send, name="send_month_report"),
    path("rows/<slug:kind>/", dashboards.rows, name="rows"),
    path("rows/<slug:kind>/<slug:form>/", dashboards.rows, name="rows_file"),
    path("<slug:key>/", dashboards.dashboard, name="dashboard"),
    path("<slug:key>/<slug:figure>/<slug:form>/", dashboards.export, name="export"),
]
