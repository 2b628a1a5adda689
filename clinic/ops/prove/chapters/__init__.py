"""The chapters, in the order of a run."""

from clinic.ops.prove.chapters.bookings import OneDoctor
from clinic.ops.prove.chapters.patients import OnePatient

CHAPTERS = (OneDoctor, OnePatient)
