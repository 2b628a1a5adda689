"""The back office, by the same codenames as the pages and the API."""

from django.contrib import admin

from clinic.core.policy import NOBODY, Policy, staff_with


class CodenamePermissions:
    """Who may look, add, change and delete; what names no codename, nobody may. For model admins and inlines."""

    view_codename = ""
    add_codename = ""
    change_codename = ""
    delete_codename = ""

    def policy_of(self, verb: str) -> Policy:
        codename = getattr(self, f"{verb}_codename")
        return staff_with(codename) if codename else NOBODY

    def has_module_permission(self, request):
        return self.has_view_permission(request)

    def has_view_permission(self, request, obj=None):
        return self.policy_of("view").lets_in(request.user)

    def has_add_permission(self, request, obj=None):
        return self.policy_of("add").lets_in(request.user)

    def has_change_permission(self, request, obj=None):
        return self.policy_of("change").lets_in(request.user)

    def has_delete_permission(self, request, obj=None):
        return self.policy_of("delete").lets_in(request.user)


class CodenameAdmin(CodenamePermissions, admin.ModelAdmin):
    list_per_page = 50
    show_full_result_count = False


class CodenameInline(CodenamePermissions, admin.TabularInline):
    extra = 0
    can_delete = False
