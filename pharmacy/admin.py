"""The back office of the pharmacy: the list of medicines and of suppliers is kept here, through their services.

Stock is only looked at. Prescriptions are not here: they are a patient's record, which is read on pages that write down who did.
"""

from django.contrib import admin

from clinic.core.admin import CodenameAdmin
from pharmacy.models import Batch, Medicine, StockMovement, Supplier
from pharmacy.permissions import MANAGE_MEDICINE, MANAGE_STOCK, VIEW_MEDICINE, VIEW_STOCK
from pharmacy.services import catalogue


@admin.register(Medicine)
class MedicineAdmin(CodenameAdmin):
    view_codename = VIEW_MEDICINE
    add_codename = change_codename = MANAGE_MEDICINE
    list_display = ["name", "form", "strength", "unit", "price", "reorder_level", "is_controlled", "is_active"]
    list_filter = ["is_active", "is_controlled", "prescription_required", "form"]
    search_fields = ["name", "generic_name", "code"]
    actions = ["retire"]

    def save_model(self, request, obj, form, change):
        if change:
            changes = {name: form.cleaned_data[name] for name in form.changed_data}
            catalogue.update_medicine(medicine_id=obj.pk, changes=changes, by=request.user)
        else:
            obj.pk = catalogue.add_medicine(data=form.cleaned_data, by=request.user).pk

    @admin.action(description="Retire: no longer prescribed or received", permissions=["change"])
    def retire(self, request, queryset):
        for medicine in queryset:
            catalogue.deactivate_medicine(medicine_id=medicine.pk, by=request.user)


@admin.register(Supplier)
class SupplierAdmin(CodenameAdmin):
    view_codename = VIEW_STOCK
    add_codename = change_codename = MANAGE_STOCK
    list_display = ["name", "phone", "email"]
    search_fields = ["name"]

    def save_model(self, request, obj, form, change):
        if change:
            changes = {name: form.cleaned_data[name] for name in form.changed_data}
            catalogue.update_supplier(supplier_id=obj.pk, changes=changes, by=request.user)
        else:
            obj.pk = catalogue.add_supplier(data=form.cleaned_data, by=request.user).pk


@admin.register(Batch)
class BatchAdmin(CodenameAdmin):
    view_codename = VIEW_STOCK
    list_display = ["medicine", "lot", "store", "expires_on", "on_hand", "state", "received_on", "supplier"]
    list_filter = ["store", "state", "expires_on"]
    list_select_related = ["medicine", "store", "supplier"]
    search_fields = ["lot", "medicine__name"]


@admin.register(StockMovement)
class StockMovementAdmin(CodenameAdmin):
    view_codename = VIEW_STOCK
    list_display = ["at", "medicine", "batch", "kind", "quantity", "balance", "reason", "by"]
    list_filter = ["kind", "at"]
    list_select_related = ["batch__medicine", "by"]
    search_fields = ["batch__lot", "batch__medicine__name"]
    ordering = ["-id"]

    @admin.display(ordering="batch__medicine__name")
    def medicine(self, movement):
        return movement.batch.medicine
