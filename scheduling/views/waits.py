from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic.core.pages import staff_page
from scheduling.permissions import VIEW_WAITS
from scheduling.selectors.waits import told_and_true


@require_safe
@staff_page(VIEW_WAITS)
def waits(request):
    """What patients were told about their wait, and what came of it."""
    return render(request, "scheduling/waits.html", {"told": told_and_true(timezone.localdate())})
