"""The queue of a doctor or a nurse, and the public board."""

from urllib.parse import urlsplit
from uuid import UUID

from csp.constants import SELF
from csp.decorators import csp_update
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from clinic.accounts.models import Department, Doctor
from clinic.core.errors import DomainError
from clinic.core.pages import posted_request_id, staff_page
from patients.permissions import START_ENCOUNTER
from scheduling.models import Queue, Token
from scheduling.permissions import CALL_TOKENS, CHANGE_TOKENS, VIEW_QUEUE
from scheduling.selectors.console import board as read_board
from scheduling.selectors.console import console as read_console
from scheduling.selectors.console import doctors_for
from scheduling.services import queueing
from scheduling.services.visits import start_visit
from scheduling.views.pages import asked_id, refused, status_of, url_with


@require_safe
@staff_page(VIEW_QUEUE)
def console(request):
    """With htmx and `part=waiting` the list alone, which refreshes itself."""
    page = "scheduling/_waiting.html" if request.htmx and request.GET.get("part") == "waiting" else None
    return _page(request, page=page)


@require_POST
@staff_page(CALL_TOKENS)
def call_next(request):
    queue = get_object_or_404(Queue, public_id=asked_id(request, "queue"))
    room = request.POST.get("room", "").replace("\0", "")[:40]
    pressed = posted_request_id(request)
    return _act(
        request, lambda now: queueing.call_next(queue_id=queue.pk, room=room, by=request.user, now=now, request_id=pressed), room=room
    )


@require_POST
@staff_page(CHANGE_TOKENS)
def change_status(request, token: UUID):
    row = get_object_or_404(Token, public_id=token)
    to = request.POST.get("status", "")
    return _act(request, lambda now: queueing.change_status(token_id=row.pk, to=to, by=request.user, now=now))


@require_POST
@staff_page(CHANGE_TOKENS)
def undo(request, token: UUID):
    row = get_object_or_404(Token, public_id=token)
    pressed = posted_request_id(request)
    return _act(request, lambda now: queueing.undo_last_change(token_id=row.pk, by=request.user, now=now, request_id=pressed))


@require_POST
@staff_page(START_ENCOUNTER)
def visit(request, token: UUID):
    """Start the visit of a token, or go on with it."""
    row = get_object_or_404(Token, public_id=token)
    named = Doctor.objects.filter(public_id=asked_id(request, "doctor")).values_list("pk", flat=True).first()
    try:
        encounter = start_visit(token_id=row.pk, doctor_id=named, by=request.user, request_id=posted_request_id(request))
    except DomainError as refusal:
        return _page(request, refusal=refusal)
    return redirect("portal:consultation", encounter.public_id)


@login_not_required
@require_safe
def board(request):
    """Public: labels and rooms, no names. With htmx the part that refreshes itself."""
    department = Department.objects.filter(public_id=asked_id(request, "department")).first()
    context = {"board": read_board(department=department.public_id if department else None, now=timezone.now())}
    if request.htmx:
        return render(request, "scheduling/_board.html", context)
    page = csp_update({"connect-src": _board_sources()})(render)
    return page(request, "scheduling/board.html", context | {"department": department, "events_url": settings.BOARD_EVENTS_URL})


def _board_sources() -> list[str]:
    """Where the board may fetch from: here, and the process of the events when it stands at another address."""
    address = urlsplit(settings.BOARD_EVENTS_URL)
    return [SELF, f"{address.scheme}://{address.netloc}"] if address.netloc else [SELF]


def _act(request, do, *, room: str = ""):
    try:
        do(timezone.now())
    except DomainError as refusal:
        return _page(request, refusal=refusal, room=room)
    if request.htmx:
        return _page(request, room=room)
    return redirect(_console_url(asked_id(request, "queue")))


def _page(request, *, refusal: DomainError | None = None, room: str = "", page: str | None = None):
    found = read_console(
        user=request.user, queue_id=asked_id(request, "queue"), department=asked_id(request, "department"), now=timezone.now()
    )
    context = {
        "console": found,
        "room": room or found.room,
        "departments": Department.objects.order_by("name"),
        "department": asked_id(request, "department"),
        "doctors": doctors_for(found.queue) if found.queue and not getattr(request.user, "doctor", None) else [],
        "tabs": _tabs(found),
    }
    status = 200
    if refusal:
        context |= refused(refusal)
        status = status_of(request, refusal)
    page = page or ("scheduling/_console.html" if request.htmx else "scheduling/queue.html")
    return render(request, page, context, status=status)


def _tabs(found) -> list[dict]:
    states = {state.queue: state.waiting for state in found.states}
    if found.queue:
        states.setdefault(found.queue, 0)
    return [
        {"label": f"{queue.name} ({queue.code})", "url": _console_url(queue.public_id), "current": queue == found.queue, "count": waiting}
        for queue, waiting in states.items()
    ]


def _console_url(queue: UUID | None) -> str:
    return url_with("scheduling:queue", queue=queue)
