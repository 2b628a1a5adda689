"""What every page draws with. No tag here asks the database."""

import calendar
import uuid
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

import heroicons
from django import template
from django.conf import settings
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

# status -> (tone, icon). The icon carries the meaning where colour cannot (print, forced colours).
TONES = {
    # appointments
    "booked": ("info", "calendar"),
    "refused": ("warning", "x-circle"),
    "checked_in": ("accent", "arrow-right-end-on-rectangle"),
    "in_consultation": ("accent", "chat-bubble-left-right"),
    "in_progress": ("accent", "play"),
    "completed": ("success", "check-circle"),
    "cancelled": ("neutral", "x-circle"),
    "no_show": ("warning", "user-minus"),
    "rescheduled": ("neutral", "arrow-path"),
    "entered_in_error": ("danger", "no-symbol"),
    # queue
    "waiting": ("warning", "clock"),
    "called": ("info", "megaphone"),
    "in_service": ("accent", "play"),
    "done": ("success", "check-circle"),
    "skipped": ("neutral", "forward"),
    "left": ("neutral", "arrow-right-start-on-rectangle"),
    "transferred": ("info", "arrows-right-left"),
    "emergency": ("danger", "bolt"),
    "urgent": ("warning", "chevron-double-up"),
    "routine": ("neutral", "minus"),
    # prescriptions and stock
    "draft": ("neutral", "pencil"),
    "signed": ("info", "check-badge"),
    "partially_dispensed": ("warning", "chart-pie"),
    "dispensed": ("success", "check-circle"),
    "expired": ("danger", "exclamation-circle"),
    "low": ("warning", "arrow-trending-down"),
    "out": ("danger", "minus-circle"),
    "expiring": ("warning", "clock"),
    "available": ("success", "check"),
    "quarantined": ("warning", "pause-circle"),
    "recalled": ("danger", "no-symbol"),
    "controlled": ("danger", "lock-closed"),
    # money
    "issued": ("info", "document-text"),
    "partly_paid": ("warning", "chart-pie"),
    "paid": ("success", "check-circle"),
    "void": ("neutral", "x-circle"),
    "credited": ("neutral", "receipt-refund"),
    "refunded": ("neutral", "receipt-refund"),
    "submitted": ("info", "paper-airplane"),
    "accepted": ("success", "check"),
    "rejected": ("danger", "x-circle"),
    # people and things
    "active": ("success", "check"),
    "inactive": ("neutral", "minus-circle"),
    "merged": ("neutral", "arrows-right-left"),
    "restricted": ("danger", "lock-closed"),
    "new": ("info", "user-plus"),
    "duplicate": ("warning", "users"),
    "registered": ("success", "check-circle"),
    "open": ("success", "lock-open"),
    "closed": ("neutral", "lock-closed"),
    "pending": ("warning", "clock"),
    "offered": ("info", "envelope"),
    # severities and health
    "mild": ("neutral", "minus"),
    "moderate": ("warning", "exclamation-triangle"),
    "severe": ("danger", "exclamation-triangle"),
    "high": ("danger", "arrow-up"),
    "abnormal": ("warning", "exclamation-triangle"),
    "normal": ("success", "check"),
    "ok": ("success", "check"),
    "degraded": ("warning", "exclamation-triangle"),
    "down": ("danger", "x-circle"),
    "unknown": ("warning", "question-mark-circle"),
}
_UNKNOWN_STATUS = ("neutral", "minus-circle")
_MESSAGE_ICONS = {
    "success": "check-circle",
    "info": "information-circle",
    "debug": "bug-ant",
    "warning": "exclamation-triangle",
    "danger": "exclamation-circle",
    "error": "exclamation-circle",
}
_CHOICE_INPUTS = {"checkbox", "radio", "hidden", "file", "range", "color"}


# --- Icons and badges --------------------------------------------------------------------


@lru_cache(maxsize=512)
def _svg(name: str, style: str, size: int, css: str) -> SafeString:
    attrs = {"class": f"icon {css}".strip(), "focusable": "false"}
    return mark_safe(heroicons._render_icon(style, name, size, attrs))  # noqa: S308 (files of the package)


@register.simple_tag
def icon(name: str, size: int = 20, style: str = "", css: str = "") -> SafeString:
    """A heroicon, hidden from screen readers: the words beside it (or an aria-label) say what it means.

    Drawn as micro up to 16 px, mini up to 20, outline above; `style` overrides.
    """
    chosen = style or ("micro" if size <= 16 else "mini" if size <= 20 else "outline")
    return _svg(str(name), chosen, int(size), str(css))


@register.simple_tag
def status_badge(value, label=None, tone: str = "") -> SafeString:
    """A status as icon, words and colour: `{% status_badge token.status token.get_status_display %}`.

    Without a label the value itself is spelled out. An unknown value is neutral, never an error.
    """
    key = str(getattr(value, "value", value) or "")
    own_tone, icon_name = TONES.get(key, _UNKNOWN_STATUS)
    words = label if label not in (None, "") else key.replace("_", " ").capitalize() or "Not set"
    return format_html('<span class="status status-{}">{}{}</span>', tone or own_tone, _svg(icon_name, "micro", 14, ""), words)


@register.filter
def message_icon(tags: str) -> str:
    """The icon of a Django message, by the last of its tags (its level)."""
    return _MESSAGE_ICONS.get((tags or "info").split()[-1], "information-circle")


# --- Values ------------------------------------------------------------------------------


@register.filter
def amount(value) -> str:
    """Decimal -> '1,234.50', for a column whose heading names the currency. None -> ''."""
    if value is None or value == "":
        return ""
    return f"{Decimal(value):,.2f}".replace("-", "\N{MINUS SIGN}")


@register.filter
def money(value) -> str:
    """Decimal -> 'USD 1,234.50' with the clinic's currency and a space that does not break. None -> ''."""
    figures = amount(value)
    return f"{settings.CURRENCY}\N{NO-BREAK SPACE}{figures}" if figures else ""


@register.filter
def age(born: date | None, on: date | None = None) -> str:
    """Completed age: '42 y', below two years '8 mo', below two months '12 d'. Today is the clinic's."""
    if not born:
        return ""
    on = on or timezone.localdate()
    months = (on.year - born.year) * 12 + on.month - born.month - (on.day < _day_in(born.day, on))
    if months < 2:
        return f"{max((on - born).days, 0)}\N{NO-BREAK SPACE}d"
    return f"{months}\N{NO-BREAK SPACE}mo" if months < 24 else f"{months // 12}\N{NO-BREAK SPACE}y"


def _day_in(day: int, on: date) -> int:
    """The day on which a month of age is full, in a month that may be too short for it."""
    return min(day, calendar.monthrange(on.year, on.month)[1])


@register.filter
def local_time(at: datetime | None, show: str = "datetime") -> SafeString | str:
    """An instant on the clinic's wall clock, in <time>: '3 Nov 2026, 14:30'. `show`: datetime, time, date or short.

    A plain date is shown as a date. None -> ''.
    """
    if not at:
        return ""
    if not isinstance(at, datetime):
        return format_html('<time datetime="{}">{}</time>', at.isoformat(), f"{at.day} {at:%b %Y}")
    at = timezone.localtime(at) if timezone.is_aware(at) else at
    words = {
        "time": f"{at:%H:%M}",
        "date": f"{at.day} {at:%b %Y}",
        "short": f"{at.day} {at:%b}, {at:%H:%M}",
    }.get(show, f"{at.day} {at:%b %Y}, {at:%H:%M}")
    return format_html('<time datetime="{}">{}</time>', at.isoformat(timespec="seconds"), words)


# --- Forms and links ---------------------------------------------------------------------


@register.simple_tag
def new_request_id() -> str:
    """A fresh UUID for a form's hidden `request_id`: sending the same form twice has one effect."""
    return str(uuid.uuid4())


@register.filter
def control(field) -> SafeString:
    """A bound field's input with the right class; Django adds required, aria-invalid and aria-describedby."""
    widget = field.field.widget
    attrs = {}
    if css := _control_class(widget):
        attrs["class"] = f"{css} {widget.attrs.get('class', '')}".strip()
    return field.as_widget(attrs=attrs)


def _control_class(widget) -> str:
    kind = getattr(widget, "input_type", "")
    if kind == "select" and not widget.use_fieldset:
        return "form-select"
    if kind in _CHOICE_INPUTS - {"file"}:
        return ""
    return "form-control"


@register.filter
def is_checkbox(field) -> bool:
    """Whether the label stands behind the input."""
    return getattr(field.field.widget, "input_type", "") == "checkbox" and not field.use_fieldset


@register.simple_tag
def url_replace(request, **changes) -> str:
    """The current query string with some parameters set, or dropped by '' or None: `?q=ann&page=2`."""
    query = request.GET.copy()
    for name, value in changes.items():
        if value in (None, ""):
            query.pop(name, None)
        else:
            query[name] = str(value)
    return f"?{query.urlencode()}"


# --- Components with a body --------------------------------------------------------------


def _component(context, name: str, body: str, **values) -> SafeString:
    page = context.template.engine.get_template(f"components/_{name}.html")
    drawn = mark_safe(body.strip())  # noqa: S308 (escaped already, when the block was rendered)
    return page.render(context.new({"request": context.get("request"), "body": drawn, **values}))


@register.simple_block_tag(takes_context=True)
def page_header(context, content, title, subtitle="", back_url="", back_label="Back"):
    """`{% page_header "Queue" subtitle="Today" %}actions{% endpage_header %}`: the page's only <h1>."""
    return _component(context, "page_header", content, title=title, subtitle=subtitle, back_url=back_url, back_label=back_label)


@register.simple_block_tag(takes_context=True)
def panel(context, content, title="", subtitle="", id="", flush=False, level=2):
    """`{% panel "Vitals" %}...{% endpanel %}`: a titled card. `flush` drops the padding, for a table."""
    return _component(context, "panel", content, title=title, subtitle=subtitle, id=id, flush=flush, level=level)


@register.simple_block_tag(takes_context=True)
def data_table(context, content, caption, id="", show_caption=False, compact=False):
    """`{% data_table "Patients" %}<thead>...<tbody>...{% enddata_table %}`: scrolls by itself, stacks on phones.

    The caption is read out; `show_caption` also shows it. Cells carry data-label for the stacked form.
    """
    return _component(context, "data_table", content, caption=caption, id=id, show_caption=show_caption, compact=compact)


@register.simple_block_tag(takes_context=True)
def filters(context, content, label="Filter", action="", reset_url=""):
    """`{% filters %}fields{% endfilters %}`: a GET form in one row, with Apply and, given its URL, Clear."""
    return _component(context, "filters", content, label=label, action=action, reset_url=reset_url)


@register.simple_block_tag(takes_context=True)
def confirm(context, content, id, title, action, button="Confirm", trigger="", danger=False, trigger_class=""):  # noqa: PLR0913
    """`{% confirm id="void" title="Void this invoice?" action=url %}fields{% endconfirm %}`: button, <dialog>, POST form.

    `trigger` is the first button's text (default: `button`). The form carries the CSRF token and a request_id.
    """
    return _component(
        context, "confirm", content, id=id, title=title, action=action, button=button,
        trigger=trigger or button, danger=danger, trigger_class=trigger_class, csrf_token=context.get("csrf_token"),
    )  # fmt: skip
