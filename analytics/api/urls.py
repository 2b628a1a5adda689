from django.urls import path
from rest_framework.routers import SimpleRouter

from analytics.api import headlines, reports

router = SimpleRouter()
router.register("reports/audit-logs", reports.AuditLogs, basename="audit-log")
router.register("reports/visit-history", reports.VisitHistory, basename="visit-history")
router.register("reports/stock-movements", reports.StockMovements, basename="moved-stock")
router.register("reports/daily-summary", reports.DailySummary, basename="daily-summary")
router.register("reports/symptoms", reports.Symptoms, basename="symptom")
router.register("analytics/top-doctors", headlines.TopDoctors, basename="top-doctor")
router.register("analytics/department-load", headlines.DepartmentLoad, basename="department-load")
router.register("analytics/monthly-visits", headlines.MonthlyVisits, basename="monthly-visit")
router.register("analytics/doctor-workload", headlines.DoctorWorkload, basename="doctor-workload")

urlpatterns = [path("analytics/refresh/", headlines.RefreshFigures.as_view(), name="refresh-figures"), *router.urls]
