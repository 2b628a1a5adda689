"""What everything that is set on paper shares."""

from functools import lru_cache

import typst


@lru_cache(maxsize=1)
def fonts() -> typst.Fonts:
    """Found once for each process: looking for them costs ten times what a page does. System fonts for names in any script."""
    return typst.Fonts(include_system_fonts=True, include_embedded_fonts=True)
