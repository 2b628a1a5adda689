"""How large a clinic is made, and when its days are."""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class Scale:
    """`with_papers`: each visit has vitals, a diagnosis, what was prescribed and handed out, an invoice and its payment."""

    name: str
    patients: int
    doctors: int
    appointments: int
    with_papers: bool


SCALES = {
    scale.name: scale
    for scale in (
        Scale("predecessor", patients=10_000, doctors=200, appointments=50_000, with_papers=True),
        Scale("large", patients=1_000_000, doctors=2_000, appointments=5_000_000, with_papers=False),
    )
}
DAYS_BACK, DAYS_AHEAD = 730, 30


def working_days(today: date) -> list[date]:
    """Monday to Friday, from two years ago to next month; today is the day of the small demo."""
    days = (today + timedelta(days=number) for number in range(-DAYS_BACK, DAYS_AHEAD + 1) if number)
    return [day for day in days if day.isoweekday() <= 5]
