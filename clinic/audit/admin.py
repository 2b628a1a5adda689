from django.contrib import admin

from clinic.audit.models import OutboxEvent
from clinic.audit.permissions import VIEW_LOG


@admin.register(OutboxEvent)
class OutboxEventAdmin(admin.ModelAdmin):
    """The audit log, to read. There is no way to change it, here or in SQL."""

    list_display = ["occurred_at", "actor", "action", "resource_type", "resource_id", "shipped_at"]
    list_filter = ["topic", ("occurred_at", admin.DateFieldListFilter), "action"]
    list_select_related = ["actor"]
    search_fields = ["=action", "=request_id", "actor__username"]
    search_help_text = "An action, a request id, or a user name."
    date_hierarchy = "occurred_at"
    show_full_result_count = False
    ordering = ["-id"]

    def has_view_permission(self, request, obj=None):
        return request.user.has_perm(VIEW_LOG)

    def has_module_permission(self, request):
        return request.user.has_perm(VIEW_LOG)

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
