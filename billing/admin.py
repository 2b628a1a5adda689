"""The back office of billing: the price list is kept here, through its services; money is only looked at."""

from django import forms
from django.contrib import admin

from billing.models import Invoice, InvoiceLine, Payment, PriceItem, Refund, Shift
from billing.permissions import MANAGE_PRICE, OVERSEE_SHIFTS, VIEW_INVOICE, VIEW_PRICE
from billing.services.prices import end_price, set_price
from clinic.core.admin import CodenameAdmin, CodenameInline


class PriceItemForm(forms.ModelForm):
    def _get_validation_exclusions(self):
        """Without the code the overlap of periods is not looked at: the service ends the price before."""
        return super()._get_validation_exclusions() | {"code"}


@admin.register(PriceItem)
class PriceItemAdmin(CodenameAdmin):
    view_codename = VIEW_PRICE
    add_codename = change_codename = MANAGE_PRICE
    form = PriceItemForm
    list_display = ["code", "name", "unit_price", "tax_percent", "valid_from", "valid_until"]
    list_filter = ["valid_from"]
    search_fields = ["code", "name"]
    ordering = ["code", "-valid_from"]

    def get_readonly_fields(self, request, obj=None):
        return ["code", "name", "unit_price", "tax_percent", "valid_from"] if obj else []

    def save_model(self, request, obj, form, change):
        if change:
            end_price(price_id=obj.pk, valid_until=obj.valid_until, by=request.user)
        else:
            obj.pk = set_price(by=request.user, **form.cleaned_data).pk


class LineInline(CodenameInline):
    model = InvoiceLine
    view_codename = VIEW_INVOICE
    fields = readonly_fields = ["kind", "description", "quantity", "unit_price", "discount", "tax", "total"]


@admin.register(Invoice)
class InvoiceAdmin(CodenameAdmin):
    view_codename = VIEW_INVOICE
    list_display = ["title", "patient", "state", "total", "paid", "issued_at"]
    list_filter = ["state", "issued_at"]
    search_fields = ["number", "patient__mrn"]
    list_select_related = ["patient"]
    inlines = [LineInline]


@admin.register(Payment)
class PaymentAdmin(CodenameAdmin):
    view_codename = VIEW_INVOICE
    list_display = ["received_at", "invoice", "method", "amount", "refunded", "received_by"]
    list_filter = ["method", "received_at"]
    list_select_related = ["invoice", "received_by"]


@admin.register(Refund)
class RefundAdmin(CodenameAdmin):
    view_codename = VIEW_INVOICE
    list_display = ["refunded_at", "payment", "amount", "reason", "refunded_by"]
    list_select_related = ["payment", "refunded_by"]


@admin.register(Shift)
class ShiftAdmin(CodenameAdmin):
    view_codename = OVERSEE_SHIFTS
    list_display = ["opened_at", "cashier", "opening_float", "closed_at", "variance_reason"]
    list_select_related = ["cashier"]
