from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from clinic.core.models import BaseModel


class InteractionSubstance(BaseModel):
    """A substance that the table of interactions knows. One that is not here was never looked at."""

    name = models.CharField(max_length=80, unique=True, help_text="As the checks compare it: lower case, international name.")
    classes = ArrayField(models.CharField(max_length=60), default=list, blank=True, help_text="Classes of the pairs that it belongs to.")

    class Meta:
        ordering = ["name"]
        constraints = [models.CheckConstraint(name="interaction_substance_has_name", condition=~Q(name=""))]

    def __str__(self):
        return self.name


class Severity(models.TextChoices):
    CONTRAINDICATED = "contraindicated", "Not to be taken together"
    SERIOUS = "serious", "Serious"


class Interaction(BaseModel):
    """Two classes, or substances by their own name, that harm when taken together."""

    first = models.CharField(max_length=60, help_text="Class or substance; of the two the one that comes first in the alphabet.")
    second = models.CharField(max_length=60)
    severity = models.CharField(max_length=16, choices=Severity)
    effect = models.CharField(max_length=200, help_text="What may happen, in one sentence.")
    source = models.CharField(max_length=120, help_text="Where it is from.")

    class Meta:
        ordering = ["first", "second"]
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="interaction_pair_once"),
            models.CheckConstraint(name="interaction_pair_in_order", condition=Q(first__lte=F("second"))),
            models.CheckConstraint(name="interaction_has_effect_and_source", condition=~Q(effect="") & ~Q(source="")),
        ]

    def __str__(self):
        return f"{self.first} and {self.second}"
