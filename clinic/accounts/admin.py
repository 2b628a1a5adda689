from django.contrib import admin
from django.contrib.auth.models import Group

from clinic.accounts.models import Department, Doctor, Facility, Specialization, User
from clinic.accounts.permissions import MANAGE_DIRECTORY, MANAGE_USERS, OPEN_BACK_OFFICE
from clinic.accounts.services import directory, staff
from clinic.core.admin import CodenameAdmin

admin.site.unregister(Group)  # roles are written in code


class EntryAdmin(CodenameAdmin):
    view_codename = OPEN_BACK_OFFICE  # doctors and facilities are chosen in forms
    add_codename = change_codename = delete_codename = MANAGE_DIRECTORY
    search_fields = ["name"]

    def save_model(self, request, obj, form, change):
        directory.save_entry(entry=obj, by=request.user)

    def delete_model(self, request, obj):
        directory.remove_entry(entry=obj, by=request.user)

    def delete_queryset(self, request, queryset):
        for entry in queryset:
            directory.remove_entry(entry=entry, by=request.user)


admin.site.register(Facility, EntryAdmin)
admin.site.register(Specialization, EntryAdmin)


@admin.register(Department)
class DepartmentAdmin(EntryAdmin):
    list_display = ["name", "facility", "location"]
    list_filter = ["facility"]
    list_select_related = ["facility"]
    autocomplete_fields = ["facility"]


@admin.register(Doctor)
class DoctorAdmin(CodenameAdmin):
    """A new doctor is registered as a user first, over the API or the users' page."""

    view_codename = OPEN_BACK_OFFICE
    change_codename = MANAGE_DIRECTORY
    list_display = ["name", "department", "licence_number", "consultation_fee", "room", "is_active"]
    list_filter = ["department", "is_active", "specializations"]
    list_select_related = ["user", "department"]
    search_fields = ["user__first_name", "user__last_name", "licence_number"]
    readonly_fields = ["user", "version", "updated_at"]
    autocomplete_fields = ["department", "specializations", "facilities"]

    def save_model(self, request, obj, form, change):
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        directory.change_doctor(doctor_id=obj.pk, changes=changes, by=request.user)

    def save_related(self, request, form, formsets, change):
        """The service has set the lists already."""


@admin.register(User)
class UserAdmin(CodenameAdmin):
    """Who signs in. New staff are registered over the API; here they are found, and let in or out."""

    view_codename = change_codename = MANAGE_USERS
    list_display = ["username", "first_name", "last_name", "email", "is_active", "last_login"]
    list_filter = ["groups", "is_active"]
    search_fields = ["username", "first_name", "last_name", "email"]
    fields = readonly_fields = ["username", "first_name", "last_name", "email", "groups", "is_active", "last_login", "date_joined"]
    actions = ["disable", "enable"]

    @admin.action(description="Disable: they are signed out at once")
    def disable(self, request, queryset):
        for user in queryset.exclude(pk=request.user.pk):
            staff.set_active(user=user, is_active=False, by=request.user)

    @admin.action(description="Enable")
    def enable(self, request, queryset):
        for user in queryset:
            staff.set_active(user=user, is_active=True, by=request.user)
