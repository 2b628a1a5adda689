"""The way from one dashboard to the next."""

from django.urls import reverse

from analytics.dashboards.registry import DASHBOARDS
from analytics.permissions import VIEW_REPORTS


def tabs_for(user, current: str) -> list[dict]:
    """Those that this user may open; `current` is the key of the page."""
    seen = [each for each in DASHBOARDS.values() if any(user.has_perm(codename) for codename in each.codenames)]
    seen = [each for each in seen if not each.own_only or hasattr(user, "doctor")]
    tabs = [{"label": each.title, "url": reverse("analytics:dashboard", args=[each.key]), "current": each.key == current} for each in seen]
    if user.has_perm(VIEW_REPORTS):
        tabs.append({"label": "Month report", "url": reverse("analytics:month_reports"), "current": current == "month-report"})
    return tabs
