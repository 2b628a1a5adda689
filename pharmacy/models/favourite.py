from django.conf import settings
from django.db import models
from django.db.models import Q

from clinic.core.models import BaseModel
from pharmacy.models.directions import Directions
from pharmacy.models.triggers import WhenNeededHasMaximum


class FavouriteQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The own ones, and those for everyone."""
        return self.filter(Q(doctor__user=user) | Q(doctor=None))

    def offered(self):
        """As prescribing shows them, the own ones first: 1 query."""
        return (
            self.filter(medicine__is_active=True)
            .select_related("medicine")
            .order_by(models.F("doctor").asc(nulls_last=True), "medicine__name", "id")
        )


class Favourite(Directions, BaseModel):
    """A line that is prescribed often, ready to be put on a draft. It names no patient."""

    doctor = models.ForeignKey(
        "accounts.Doctor", models.CASCADE, null=True, blank=True, related_name="favourites", help_text="Whose it is; empty: everyone's."
    )
    medicine = models.ForeignKey("pharmacy.Medicine", models.PROTECT, related_name="+")
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", help_text="Who kept it.")

    objects = FavouriteQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["doctor", "medicine", "dose", "route", "frequency", "duration_days", "instructions"],
                name="favourite_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(name="favourite_quantity_positive", condition=Q(quantity__gt=0)),
            models.CheckConstraint(name="favourite_duration_within_1_to_366_days", condition=Q(duration_days__range=(1, 366))),
            models.CheckConstraint(
                name="favourite_max_doses_within_1_to_24", condition=Q(max_doses_a_day__isnull=True) | Q(max_doses_a_day__range=(1, 24))
            ),
        ]
        triggers = [WhenNeededHasMaximum(name="favourite_when_needed_has_maximum")]

    @property
    def is_for_everyone(self) -> bool:
        return self.doctor_id is None
