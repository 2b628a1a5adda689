from django.urls import path
from rest_framework.routers import SimpleRouter

from scheduling.api import series, slots
from scheduling.api.appointments import AppointmentViewSet, DoctorAppointments, PatientAppointments
from scheduling.api.queue import QueueViewSet
from scheduling.api.visits import VisitViewSet

router = SimpleRouter(use_regex_path=False)
router.register("appointments", AppointmentViewSet, basename="appointment")
router.register("queue", QueueViewSet, basename="queue")
router.register("visits", VisitViewSet, basename="visit")

urlpatterns = [
    path("doctors/<uuid:public_id>/appointments/", DoctorAppointments.as_view(), name="doctor-appointments"),
    path("doctors/<uuid:public_id>/available-slots/", slots.AvailableSlots.as_view(), name="doctor-available-slots"),
    path("patients/<uuid:public_id>/appointments/", PatientAppointments.as_view(), name="patient-appointments"),
    path("appointments/recurring/", series.RecurringAppointments.as_view(), name="recurring-appointments"),
    path("appointments/recurring/<uuid:public_id>/", series.RecurringAppointment.as_view(), name="recurring-appointment"),
    path("appointments/recurring/<uuid:public_id>/cancel/", series.CancelRecurring.as_view(), name="recurring-cancel"),
    path("slots/", slots.Slots.as_view(), name="slots"),
    path("slots/hold/", slots.HoldSlot.as_view(), name="slot-hold"),
    path("slots/bulk/", slots.OpenSlots.as_view(), name="slots-bulk"),
    *router.urls,
]
