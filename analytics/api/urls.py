from rest_framework.routers import SimpleRouter

from analytics.api import reports

router = SimpleRouter()
router.register("reports/audit-logs", reports.AuditLogs, basename="audit-log")
router.register("reports/visit-history", reports.VisitHistory, basename="visit-history")
router.register("reports/stock-movements", reports.StockMovements, basename="moved-stock")
router.register("reports/daily-summary", reports.DailySummary, basename="daily-summary")
router.register("reports/symptoms", reports.Symptoms, basename="symptom")

urlpatterns = router.urls
