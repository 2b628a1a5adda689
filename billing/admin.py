"""The back office of billing: the price list is kept here, through its services; money is only looked at."""

from django import forms
from django.contrib import admin

from billing.models import Invoice, InvoiceLine, Payment, PriceItem, Refund, Shift
from billing.permissions import MANAGE_PRICE, OVERSEE_SHIFTS, VIEW_INVOICE, VIEW_PRICE
from billing.services.prices import end_price, set_price


class ReadOnlyAdmin(admin.ModelAdmin):
    """Nothing is added, changed or deleted here; `view_codename` says who may look."""

    view_codename = ""

    def has_module_permission(self, request):
        return self.has_view_permission(request)

    def has_view_permission(self, request, obj=None):
        return request.user.has_perm(self.view_codename)

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class PriceItemForm(forms.ModelForm):
    def _get_validation_exclusions(self):
        """Without the code the overlap of periods is not looked at: the service ends the price before."""
        return super()._get_validation_exclusions() | {"code"}


@admin.register(PriceItem)
class PriceItemAdmin(admin.ModelAdmin):
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

    def has_module_permission(self, request):
        return request.user.has_perm(VIEW_PRICE)

    def has_view_permission(self, request, obj=None):
        return request.user.has_perm(VIEW_PRICE)

    def has_add_permission(self, request):
        return request.user.has_perm(MANAGE_PRICE)

    def has_change_permission(self, request, obj=None):
        return request.user.has_perm(MANAGE_PRICE)

    def has_delete_permission(self, request, obj=None):
        return False


class LineInline(admin.TabularInline):
    model = InvoiceLine
    fields = readonly_fields = ["kind", "description", "quantity", "unit_price", "discount", "tax", "total"]
    extra = 0
    can_delete = False

    def has_view_permission(self, request, obj=None):
        return request.user.has_perm(VIEW_INVOICE)

    def has_add_permission(self, request, obj=None):
        return False


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyAdmin):
    view_codename = VIEW_INVOICE
    list_display = ["title", "patient", "state", "total", "paid", "issued_at"]
    list_filter = ["state", "issued_at"]
    search_fields = ["number", "patient__mrn"]
    list_select_related = ["patient"]
    inlines = [LineInline]


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    view_codename = VIEW_INVOICE
    list_display = ["received_at", "invoice", "method", "amount", "refunded", "received_by"]
    list_filter = ["method", "received_at"]
    list_select_related = ["invoice", "received_by"]


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    view_codename = VIEW_INVOICE
    list_display = ["refunded_at", "payment", "amount", "reason", "refunded_by"]
    list_select_related = ["payment", "refunded_by"]


@admin.register(Shift)
class ShiftAdmin(ReadOnlyAdmin):
    view_codename = OVERSEE_SHIFTS
    list_display = ["opened_at", "cashier", "opening_float", "closed_at", "variance_reason"]
    list_select_related = ["cashier"]
