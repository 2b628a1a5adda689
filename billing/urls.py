from django.urls import path

from billing.views import cashier, claims, dunning, invoice, ledger, lists, packages, paper, shifts

app_name = "billing"

urlpatterns = [
    path("", lists.invoices, name="invoices"),
    path("to-bill/", lists.to_bill, name="to_bill"),
    path("to-bill/<uuid:encounter>/", lists.bill, name="bill"),
    path("cashier/", cashier.cashier, name="cashier"),
    path("overdue/", dunning.dunning, name="dunning"),
    path("overdue/<uuid:patient>/letter/", dunning.letter, name="dunning_letter"),
    path("day/", ledger.day, name="day"),
    path("ledger/export/", ledger.export, name="ledger_export"),
    path("new/", invoice.new, name="new"),
    path("change/", invoice.change, name="change"),
    path("invoices/<uuid:invoice>/", invoice.invoice, name="invoice"),
    path("invoices/<uuid:invoice>/lines/", invoice.change_lines, name="change_lines"),
    path("invoices/<uuid:invoice>/cover/", invoice.set_cover, name="set_cover"),
    path("invoices/<uuid:invoice>/discount/", invoice.discount, name="discount"),
    path("invoices/<uuid:invoice>/issue/", invoice.issue, name="issue"),
    path("invoices/<uuid:invoice>/pay/", invoice.pay, name="pay"),
    path("invoices/<uuid:invoice>/void/", invoice.void, name="void"),
    path("invoices/<uuid:invoice>/credit/", invoice.credit, name="credit"),
    path("invoices/<uuid:invoice>/pdf/", paper.pdf, name="pdf"),
    path("invoices/<uuid:invoice>/claim/", claims.claim, name="claim"),
    path("invoices/<uuid:invoice>/charge-patient/", claims.charge_patient, name="charge_patient"),
    path("claims/", claims.claims, name="claims"),
    path("claims/batch/", claims.make_batch, name="claim_batch"),
    path("claims/batches/<uuid:batch>/", claims.batch_file, name="batch_file"),
    path("claims/remittance/", claims.remittance, name="remittance"),
    path("claims/<uuid:claim>/answer/", claims.answer, name="answer_claim"),
    path("payments/<uuid:payment>/receipt/", paper.receipt, name="receipt"),
    path("payments/<uuid:payment>/receipt/pdf/", paper.receipt_pdf, name="receipt_pdf"),
    path("payments/<uuid:payment>/refund/", invoice.refund, name="refund"),
    path("packages/", packages.packages, name="packages"),
    path("packages/<uuid:package>/end/", packages.end, name="end_package"),
    path("shift/", shifts.shift, name="shift"),
    path("shift/open/", shifts.open_shift, name="open_shift"),
    path("shift/<uuid:shift>/", shifts.shift_detail, name="shift_detail"),
    path("shift/<uuid:shift>/close/", shifts.close_shift, name="close_shift"),
]
