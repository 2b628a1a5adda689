"""The back office. What can be changed here goes through the same services as everywhere."""

from django.contrib import admin
from django.utils import timezone

from clinic.core.admin import CodenameAdmin, CodenameInline
from scheduling.models import Appointment, DoctorException, DoctorSession, Queue, Token, TokenTransition
from scheduling.permissions import CHANGE_APPOINTMENT, MANAGE_HOURS, VIEW_APPOINTMENT, VIEW_HOURS, VIEW_QUEUE
from scheduling.services import booking, hours


@admin.register(Appointment)
class AppointmentAdmin(CodenameAdmin):
    """Booked, moved and cancelled on the desk's pages; here the words about it are put right."""

    view_codename = VIEW_APPOINTMENT
    change_codename = CHANGE_APPOINTMENT
    list_display = ["patient_name", "doctor", "starts", "status", "is_overbooked"]
    list_filter = ["status", "is_overbooked", "doctor__department"]
    list_select_related = ["patient", "doctor__user"]
    search_fields = ["patient__mrn", "patient__last_name", "patient__first_name", "public_id"]
    ordering = ["-pk"]
    search_help_text = "MRN, name, or the appointment's id"
    fields = [
        "public_id", "patient", "doctor", "facility", "during", "status", "reason", "notes", "is_overbooked", "overbook_reason",
        "closed_reason", "rescheduled_to", "encounter", "booked_by", "created_at", "version",
    ]  # fmt: skip
    readonly_fields = [name for name in fields if name not in {"reason", "notes"}]

    @admin.display(description="patient", ordering="patient__last_name")
    def patient_name(self, appointment):
        return appointment.patient.full_name

    @admin.display(description="starts", ordering="during")
    def starts(self, appointment):
        return timezone.localtime(appointment.starts_at).strftime("%Y-%m-%d %H:%M")

    def save_model(self, request, obj, form, change):
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        booking.change_details(appointment_id=obj.pk, changes=changes, by=request.user, expected_version=obj.version)


class HoursAdmin(CodenameAdmin):
    """Hours are added and taken away, not edited: what was booked under them stays explained."""

    view_codename = VIEW_HOURS
    add_codename = MANAGE_HOURS
    list_select_related = ["doctor__user"]
    search_fields = ["doctor__user__last_name", "doctor__user__first_name"]
    autocomplete_fields = ["doctor", "facility"]

    def has_manage_permission(self, request):
        return self.has_add_permission(request)


@admin.register(DoctorSession)
class SessionAdmin(HoursAdmin):
    list_display = ["doctor", "weekday", "starts", "ends", "slot_minutes", "valid_from", "valid_until"]
    list_filter = ["weekday", "doctor__department"]
    actions = ["end_from_today"]

    def save_model(self, request, obj, form, change):
        made = hours.add_session(data=form.cleaned_data, by=request.user)
        obj.pk, obj.public_id = made.pk, made.public_id

    @admin.action(description="End from today on", permissions=["manage"])
    def end_from_today(self, request, queryset):
        for session in queryset:
            hours.end_session(session_id=session.pk, on=timezone.localdate(), by=request.user)


@admin.register(DoctorException)
class ExceptionAdmin(HoursAdmin):
    list_display = ["who", "kind", "during", "reason"]
    list_filter = ["kind"]
    actions = ["remove"]

    @admin.display(description="who")
    def who(self, exception):
        return exception.doctor or "The whole clinic"

    def save_model(self, request, obj, form, change):
        data = dict(form.cleaned_data)
        during = data.pop("during")
        made = hours.add_exception(data=data, start=during.lower, end=during.upper, by=request.user).exception
        obj.pk, obj.public_id = made.pk, made.public_id

    @admin.action(description="Remove", permissions=["manage"])
    def remove(self, request, queryset):
        for exception in queryset:
            hours.remove_exception(exception_id=exception.pk, by=request.user)


@admin.register(Queue)
class QueueAdmin(CodenameAdmin):
    view_codename = VIEW_QUEUE
    list_display = ["code", "name"]
    list_select_related = ["doctor__user", "department"]
    search_fields = ["code"]


class TransitionInline(CodenameInline):
    model = TokenTransition
    view_codename = VIEW_QUEUE
    fields = readonly_fields = ["at", "from_status", "to_status", "room", "by", "is_undo"]


@admin.register(Token)
class TokenAdmin(CodenameAdmin):
    """Read only: a token moves on the queue's pages."""

    view_codename = VIEW_QUEUE
    list_display = ["label", "on", "patient_name", "priority", "status", "room"]
    list_filter = ["status", "priority", "on"]
    list_select_related = ["queue", "patient"]
    search_fields = ["patient__mrn", "patient__last_name"]
    date_hierarchy = "on"
    inlines = [TransitionInline]

    @admin.display(description="patient")
    def patient_name(self, token):
        return token.patient.full_name
