from django.urls import path
from rest_framework.routers import SimpleRouter

from billing.api import claims, credits, deposits, events, invoices, packages, payments, preview, returns, shifts

router = SimpleRouter(use_regex_path=False)
router.register("invoices", invoices.InvoiceViewSet, basename="invoice")
router.register("credit-notes", credits.CreditNoteViewSet, basename="credit-note")
router.register("to-credit", returns.ToCreditViewSet, basename="to-credit")
router.register("claims", claims.ClaimViewSet, basename="claim")
router.register("deposits", deposits.DepositViewSet, basename="deposit")
router.register("packages", packages.PackageViewSet, basename="package")
router.register("payments", payments.PaymentViewSet, basename="payment")
router.register("shifts", shifts.ShiftViewSet, basename="shift")

urlpatterns = [
    path("invoice-preview/", preview.InvoicePreview.as_view(), name="invoice-preview"),
    path("payment-events/", events.ProviderEvents.as_view(), name="payment-events"),
    *router.urls,
]
