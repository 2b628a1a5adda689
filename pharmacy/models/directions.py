from django.db import models


class Directions(models.Model):
    """How much of a medicine is taken, how and how long: what a line of a prescription and a favourite have in common."""

    dose = models.CharField(max_length=60, help_text="What is taken at a time, e.g. '1 tablet'.")
    route = models.CharField(max_length=40, default="oral", help_text="oral, topical, inhaled, ..., or plain words.")
    frequency = models.CharField(max_length=40, help_text="A code (OD, BD, TDS, QID, PRN, STAT, ...), or plain words.")
    max_doses_a_day = models.PositiveSmallIntegerField(null=True, blank=True, help_text="With PRN: the most that is taken; else empty.")
    duration_days = models.PositiveSmallIntegerField(help_text="Length of the course of one filling.")
    quantity = models.PositiveIntegerField(help_text="Units of the medicine, for one filling.")
    repeats = models.PositiveSmallIntegerField(default=0, help_text="How often it may be filled again.")
    instructions = models.CharField(max_length=300, blank=True, help_text="What the patient is told besides.")

    class Meta:
        abstract = True
