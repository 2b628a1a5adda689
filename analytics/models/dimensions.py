"""What figures are told apart by. A dimension's key is that of the row it stands for; it holds what that row says now."""

from django.db import models


class Dimension(models.Model):
    """One row for each operational row, under its primary key."""

    id = models.BigIntegerField(primary_key=True, help_text="The primary key of the row that it stands for.")
    public_id = models.UUIDField(unique=True)

    class Meta:
        abstract = True

    def __str__(self):
        return f"{self._meta.verbose_name} {self.public_id}"


class DimDate(models.Model):
    """A day of the clinic's clock on which something happened."""

    date = models.DateField(primary_key=True, help_text="The day.")
    year = models.PositiveSmallIntegerField(help_text="Of the calendar.")
    quarter = models.PositiveSmallIntegerField(help_text="1 to 4.")
    month = models.PositiveSmallIntegerField(help_text="1 to 12.")
    month_start = models.DateField(help_text="The first day of its month.")
    iso_year = models.PositiveSmallIntegerField(help_text="The year its week belongs to, by ISO 8601.")
    iso_week = models.PositiveSmallIntegerField(help_text="1 to 53, by ISO 8601.")
    weekday = models.PositiveSmallIntegerField(help_text="1 Monday to 7 Sunday.")
    is_weekend = models.BooleanField(help_text="Saturday or Sunday.")

    class Meta:
        db_table = "dim_date"

    def __str__(self):
        return self.date.isoformat()


class DimDepartment(Dimension):
    """A department."""

    name = models.CharField(max_length=120)
    facility = models.ForeignKey("accounts.Facility", models.PROTECT, related_name="+", help_text="Where it is.")

    class Meta:
        db_table = "dim_department"

    def __str__(self):
        return self.name


class DimDoctor(Dimension):
    """A doctor. What a doctor did counts for the department the doctor is in now, also what was done before."""

    name = models.CharField(max_length=310, help_text="As people see it: 'Dr Ann Bell'.")
    department = models.ForeignKey(DimDepartment, models.PROTECT, related_name="+", help_text="The department the doctor is in now.")
    is_active = models.BooleanField()

    class Meta:
        db_table = "dim_doctor"

    def __str__(self):
        return self.name


class DimPatient(Dimension):
    """A patient, without anything that names one."""

    sex = models.CharField(max_length=8, help_text="As registered.")
    birth_year = models.PositiveSmallIntegerField(help_text="Of the date of birth.")
    registered_on = models.DateField(help_text="When the patient first came.")

    class Meta:
        db_table = "dim_patient"


class DimMedicine(Dimension):
    """A medicine."""

    name = models.CharField(max_length=120)
    unit = models.CharField(max_length=20, help_text="What it is counted in.")

    class Meta:
        db_table = "dim_medicine"

    def __str__(self):
        return self.name
