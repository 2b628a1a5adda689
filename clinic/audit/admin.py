from django.contrib import admin

from clinic.audit.models import OutboxEvent
from clinic.audit.permissions import VIEW_LOG
from clinic.core.admin import CodenameAdmin


@admin.register(OutboxEvent)
class OutboxEventAdmin(CodenameAdmin):
    """The audit log, to read. There is no way to change it, here or in SQL."""

    view_codename = VIEW_LOG
    list_display = ["occurred_at", "actor", "action", "resource_type", "resource_id", "shipped_at"]
    list_filter = ["topic", ("occurred_at", admin.DateFieldListFilter), "action"]
    list_select_related = ["actor"]
    search_fields = ["=action", "=request_id", "actor__username"]
    search_help_text = "An action, a request id, or a user name."
    date_hierarchy = "occurred_at"
    ordering = ["-id"]
