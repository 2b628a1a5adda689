from django.urls import path

from scheduling.views import appointments, booking, hours, leave, missed, queue, reminders, schedule, tokens, waitlist, walk_in

app_name = "scheduling"

urlpatterns = [
    path("schedule/", schedule.schedule, name="schedule"),
    path("book/<uuid:patient>/", booking.book, name="book"),
    path("hold/", booking.hold, name="hold"),
    path("appointments/<uuid:appointment>/", appointments.appointment, name="appointment"),
    path("appointments/<uuid:appointment>/move/", booking.move, name="move"),
    path("appointments/<uuid:appointment>/cancel/", appointments.cancel, name="cancel"),
    path("appointments/<uuid:appointment>/no-show/", appointments.no_show, name="no_show"),
    path("appointments/<uuid:appointment>/check-in/", appointments.check_in, name="check_in"),
    path("appointments/<uuid:appointment>/visit/", appointments.start_visit, name="start_visit"),
    path("hours/", hours.hours, name="hours"),
    path("hours/sessions/", hours.add_session, name="add_session"),
    path("hours/sessions/<uuid:session>/end/", hours.end_session, name="end_session"),
    path("hours/exceptions/", hours.add_exception, name="add_exception"),
    path("hours/exceptions/<uuid:exception>/remove/", hours.remove_exception, name="remove_exception"),
    path("hours/exceptions/<uuid:exception>/affected/", leave.affected, name="affected"),
    path("hours/exceptions/<uuid:exception>/keep/<uuid:appointment>/", leave.keep, name="keep"),
    path("waitlist/", waitlist.waitlist, name="waitlist"),
    path("waitlist/add/<uuid:patient>/", waitlist.add, name="waitlist_add"),
    path("waitlist/<uuid:entry>/withdraw/", waitlist.withdraw, name="waitlist_withdraw"),
    path("waitlist/offers/<uuid:offer>/accept/", waitlist.accept, name="offer_accept"),
    path("waitlist/offers/<uuid:offer>/decline/", waitlist.decline, name="offer_decline"),
    path("reminders/stop/<str:token>/", reminders.stop, name="reminders_stop"),
    path("missed/", missed.missed, name="missed"),
    path("walk-in/", walk_in.walk_in, name="walk_in"),
    path("queue/", queue.console, name="queue"),
    path("queue/next/", queue.call_next, name="call_next"),
    path("queue/tokens/<uuid:token>/status/", queue.change_status, name="change_status"),
    path("queue/tokens/<uuid:token>/undo/", queue.undo, name="undo"),
    path("queue/tokens/<uuid:token>/visit/", queue.visit, name="visit"),
    path("queue/tokens/<uuid:token>/", tokens.token, name="token"),
    path("queue/tokens/<uuid:token>/priority/", tokens.change_priority, name="change_priority"),
    path("queue/tokens/<uuid:token>/transfer/", tokens.transfer, name="transfer"),
    path("queue/tokens/<uuid:token>/vitals/", tokens.vitals, name="vitals"),
    path("queue/tokens/<uuid:token>/slip/", walk_in.slip, name="slip"),
    path("place/<uuid:key>/", walk_in.place, name="place"),
    path("board/", queue.board, name="board"),
]
