from django.db import migrations, models

# {view: (its key, the sums that it is of, the measures that it shows)}
VIEWS = {
    "top_doctors": ("year, doctor_id", "department_id,", "doctor_year", ["visits", "walk_ins", "completed", "charge"]),
    "doctor_workload": (
        "year, doctor_id",
        "department_id,",
        "doctor_year",
        [
            "appointments",
            "booked",
            "completed",
            "cancelled",
            "no_shows",
            "overbooked",
            "minutes",
            "visits",
            "consultations",
            "consult_minutes",
        ],
    ),
    "department_load": (
        "month, department_id",
        "",
        "department_month",
        ["appointments", "completed", "cancelled", "no_shows", "visits", "walk_ins", "waits", "wait_minutes", "charge"],
    ),
    "monthly_visits": (
        "month",
        "",
        "department_month",
        ["appointments", "no_shows", "visits", "walk_ins", "consultations", "consult_minutes", "charge"],
    ),
}


def view(name: str, key: str, also: str, source: str, measures: list[str]) -> str:
    sums = ", ".join(f"sum({measure}) AS {measure}" for measure in measures)
    return f"""
        CREATE MATERIALIZED VIEW {name} AS SELECT {key}, {also} {sums} FROM {source} GROUP BY {also} {key};
        CREATE UNIQUE INDEX {name}_once ON {name} ({key});
    """


class Migration(migrations.Migration):
    dependencies = [("analytics", "0002_queue_of_changes")]
    operations = [
        migrations.AddField(
            "etlstate",
            "views_behind",
            models.BooleanField(default=False, help_text="Whether a sum changed since the materialized views were made."),
        ),
        *[migrations.RunSQL(view(name, *what), f"DROP MATERIALIZED VIEW {name}") for name, what in VIEWS.items()],
    ]
