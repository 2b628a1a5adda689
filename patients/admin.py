"""The back office keeps the catalogue of treatments. Patients and records are not here: pages write down who reads them."""

from django.contrib import admin

from clinic.core.admin import CodenameAdmin
from patients.models import TreatmentType
from patients.permissions import MANAGE_TREATMENT_TYPES
from patients.services import treatments


@admin.register(TreatmentType)
class TreatmentTypeAdmin(CodenameAdmin):
    view_codename = add_codename = change_codename = MANAGE_TREATMENT_TYPES
    fields = ["name", "base_cost", "is_active"]
    list_display = ["name", "base_cost", "is_active"]
    list_filter = ["is_active"]
    search_fields = ["name"]

    def save_model(self, request, obj, form, change):
        if change:
            changes = {name: form.cleaned_data[name] for name in form.changed_data}
            treatments.change_treatment_type(type_id=obj.pk, changes=changes, by=request.user)
        else:
            obj.pk = treatments.add_treatment_type(name=obj.name, base_cost=obj.base_cost, by=request.user).pk
