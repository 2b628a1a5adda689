"""The dashboards, their files, and the rows behind them. Everything that is asked for stands in the address."""

from dataclasses import replace

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from analytics.dashboards.asked import Asked
from analytics.dashboards.definition import Dashboard, Figure
from analytics.dashboards.forms import DashboardFilters, viewer_of
from analytics.dashboards.listings import LISTINGS, Listing
from analytics.dashboards.registry import DASHBOARDS, OVERVIEW, OWN
from analytics.dashboards.showing import ShownFigure, file_rows, query_of, shown_figure, shown_rows, words_of
from analytics.dashboards.tabs import tabs_for
from analytics.errors import ReportsUnavailable
from analytics.models import EtlState
from analytics.permissions import VIEW_OWN_FIGURES, VIEW_REPORTS
from analytics.services.reading_rows import record_rows_taken
from billing.documents import table
from clinic.core.mongo import MongoDown
from clinic.core.pages import permission_required_page
from clinic.core.replica import looking_back

PAGE_SIZE, LONGEST_FILE = 50, 20_000
FORMS = ("csv", "xlsx")
LATE_MIN = 15


@require_safe
@permission_required_page(VIEW_REPORTS, VIEW_OWN_FIGURES)
def dashboard(request, key: str = ""):
    """One dashboard; without a key the first that the user may open.

    Filters that make no sense are a 400, in place; a store that is down is said with 503.
    """
    page = _found(request, key or (OVERVIEW if request.user.has_perm(VIEW_REPORTS) else OWN).key)
    form = _filters(request, page)
    if not form.is_valid():
        return render(request, "analytics/dashboard.html", _page(request, page, form), status=400)
    asked = form.asked()
    answers, as_of, instead = _look(page.figures, asked)
    context = _page(request, page, form) | {
        "figures": [_shown(figure, answers[figure.key], asked, as_of) for figure in page.figures],
        "stats": [(stat.label, stat.kind, words_of(stat.of(answers), stat.kind)) for stat in page.stats]
        if None not in answers.values()
        else [],
        "asked": asked,
        "as_of": as_of,
        "printed_at": timezone.now(),
        "instead": instead,
        "is_late": as_of is None or (timezone.now() - as_of).total_seconds() > LATE_MIN * 60,
    }
    return render(request, "analytics/dashboard.html", context, status=503 if None in answers.values() else 200)


@require_safe
@permission_required_page(VIEW_REPORTS, VIEW_OWN_FIGURES)
def export(request, key: str, figure: str, form: str):
    """One figure as CSV or XLSX, by the same filters."""
    page = _found(request, key)
    chosen = next((each for each in page.figures if each.key == figure), None)
    if chosen is None or form not in FORMS:
        raise Http404
    filters = _filters(request, page)
    if not filters.is_valid():
        return render(request, "analytics/dashboard.html", _page(request, page, filters), status=400)
    rows = _look([chosen], asked := filters.asked())[0][chosen.key]
    if rows is None:
        raise ReportsUnavailable
    name = f"{page.key}-{chosen.key}-{asked.today if page.ahead else f'{asked.date_from}-{asked.date_to}'}"
    return table(form, name, [column.label for column in chosen.columns], file_rows(chosen.columns, rows))


@require_safe
@permission_required_page(VIEW_REPORTS, VIEW_OWN_FIGURES)
def rows(request, kind: str, form: str = ""):
    """What is behind a figure, row by row; as a file at most 20,000, and that somebody took it stands in the audit."""
    listing = LISTINGS.get(kind)
    if listing is None or form not in ("", *FORMS):
        raise Http404
    viewer = viewer_of(request.user)
    keep = {"date_from", "date_to", "department", "doctor", "facility"}
    filters = DashboardFilters(request.GET, viewer=viewer, today=timezone.localdate(), days=OVERVIEW.days, keep=keep, extra=listing.extra())
    context = {"listing": listing, "form": filters}
    if not filters.is_valid():
        return render(request, "analytics/rows.html", context, status=400)
    asked = filters.asked()
    facts = listing.facts(asked.narrowed(listing.fact.objects), filters.cleaned_data).order_by(*listing.order)
    if form:
        return _file_of_rows(request, listing, facts, asked, form)
    (shown, found, as_of), instead = looking_back(lambda: (*_page_of_rows(request, listing, facts), _as_of()))
    cells = shown_rows(listing.columns, found, asked)
    context |= {"rows": cells, "page_obj": shown, "asked": asked, "as_of": as_of, "printed_at": timezone.now(), "instead": instead}
    return render(request, "analytics/rows.html", context)


def _page_of_rows(request, listing: Listing, facts):
    shown = Paginator(facts, PAGE_SIZE).get_page(request.GET.get("page"))
    return shown, listing.rows(shown.object_list, request.user)


def _file_of_rows(request, listing: Listing, facts, asked: Asked, form: str):
    record_rows_taken(by=request.user, kind=listing.key, filters=query_of(asked))
    found, _ = looking_back(lambda: listing.rows(list(facts[:LONGEST_FILE]), request.user))
    name = f"{listing.key}-{asked.date_from}-{asked.date_to}"
    return table(form, name, [column.label for column in listing.columns], file_rows(listing.columns, found))


# --- What the pages share ------------------------------------------------------------------------------


def _found(request, key: str) -> Dashboard:
    page = DASHBOARDS.get(key)
    if page is None:
        raise Http404
    if not any(request.user.has_perm(codename) for codename in page.codenames):
        raise PermissionDenied
    return page


def _filters(request, page: Dashboard) -> DashboardFilters:
    viewer = viewer_of(request.user, own_only=page.own_only)
    days = set() if page.ahead else {"date_from", "date_to"}
    return DashboardFilters(request.GET, viewer=viewer, today=timezone.localdate(), days=page.days, keep=days | set(page.filters))


def _page(request, page: Dashboard, form: DashboardFilters) -> dict:
    address = reverse("analytics:dashboard", args=[page.key])
    return {"dashboard": page, "form": form, "tabs": tabs_for(request.user, page.key), "address": address}


def _look(figures, asked: Asked):
    """({key: rows}, until when what happened is in them, why the main database answered instead of its copy).

    What is said as of now is read from the main database.
    """
    live = {figure.key: _answer(figure, asked) for figure in figures if figure.live}
    (answers, as_of), instead = looking_back(lambda: ({each.key: _answer(each, asked) for each in figures if not each.live}, _as_of()))
    return live | answers, as_of, instead


def _answer(figure: Figure, asked: Asked) -> list | None:
    """None where the store that holds it cannot be reached."""
    try:
        return figure.rows(asked)
    except MongoDown:
        return None


def _shown(figure: Figure, found: list | None, asked: Asked, as_of) -> ShownFigure:
    at = timezone.now() if figure.live else as_of
    return replace(shown_figure(figure, found or [], asked=asked, as_of=at), is_down=found is None)


def _as_of():
    """Until when what happened is in the figures; None before the first run."""
    return EtlState.objects.values_list("as_of", flat=True).first()
