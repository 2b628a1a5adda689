"""The figures: reading them, and bringing 1,000 changes into them, in a clinic and in one a hundred times as large."""

import json
import resource
import shutil
import statistics
import subprocess
import sys
import time
from datetime import timedelta

import psycopg

from clinic.ops.bench.chapter import Chapter
from clinic.ops.bench.pages import Reader
from clinic.ops.bench.timing import milliseconds
from clinic.ops.demo import PROJECT
from clinic.ops.prove.stack import Site
from clinic.ops.seed.logins import LOGIN_NAMES

# {scale of manage.py seed: whether it is made below scale 1}
CLINICS = {"predecessor": True, "large": False}
LARGE_NEEDS_BYTES = 25 * 1024**3
CHANGES, ROUNDS, DOCTORS = 1_000, 5, 200
REQUESTS, CLIENTS = 400, 8
READS = {
    "top doctors": "analytics/top-doctors/?page_size=20",
    "top doctors of a year": "analytics/top-doctors/?page_size=20&year={year}",
    "department load of a month": "analytics/department-load/?year={year}&month={month}",
    "monthly visits": "analytics/monthly-visits/",
    "doctor workload of a stretch of days": "analytics/doctor-workload/?page_size=20&date_from={first}&date_to={last}",
}
PAGES = ("overview", "revenue", "waits", "no-shows", "no-show-risk", "forecast", "stock")
PAGE_READS = 40
# The same appointments in every clinic: of as many doctors, and as many of each.
CHANGE = """
    UPDATE scheduling_appointment SET status = %s WHERE id IN (
        SELECT id FROM (
            SELECT id, row_number() OVER (PARTITION BY doctor_id ORDER BY id) AS place FROM scheduling_appointment
             WHERE doctor_id IN (SELECT id FROM accounts_doctor ORDER BY id DESC LIMIT %s)
        ) numbered WHERE place <= %s)
"""
TOP_DOCTORS = """
    SELECT doctor.public_id, person.last_name, count(*) AS visits, sum(billed.charge) AS charge
      FROM patients_encounter visit JOIN accounts_doctor doctor ON doctor.id = visit.doctor_id
      JOIN accounts_user person ON person.id = doctor.user_id
      LEFT JOIN (
          SELECT invoice.encounter_id, sum(line.total - line.credited) AS charge
            FROM billing_invoice invoice JOIN billing_invoiceline line ON line.invoice_id = invoice.id
           WHERE invoice.state = 'issued' AND line.kind IN ('consultation', 'treatment') GROUP BY invoice.encounter_id
      ) billed ON billed.encounter_id = visit.id
     WHERE visit.status <> 'entered_in_error' AND visit.started_at >= '{year}-01-01' AND visit.started_at < '{next_year}-01-01'
     GROUP BY doctor.id, person.id ORDER BY visits DESC, doctor.id LIMIT 20"""
DEPARTMENT_LOAD = """
    SELECT department.public_id, department.name, count(*) AS appointments, count(*) FILTER (WHERE appointment.status = 'no_show')
      FROM scheduling_appointment appointment JOIN accounts_doctor doctor ON doctor.id = appointment.doctor_id
      JOIN accounts_department department ON department.id = doctor.department_id
     WHERE appointment.status <> 'rescheduled' AND lower(appointment.during) >= '{begin}' AND lower(appointment.during) < '{end}'
     GROUP BY department.id ORDER BY appointments DESC"""
# {title: (SQL, whether indexes are used)}
PLANS = {
    "top doctors of a year, operational tables without indexes": (TOP_DOCTORS, False),
    "top doctors of a year, operational tables": (TOP_DOCTORS, True),
    "top doctors of a year, materialized view": (
        """SELECT doctor.public_id, doctor.name, sum(visits) AS visits, sum(charge) AS charge
             FROM top_doctors JOIN dim_doctor doctor ON doctor.id = doctor_id
            WHERE year >= {year} AND year < {next_year} GROUP BY doctor.id ORDER BY visits DESC, doctor.id LIMIT 20""",
        True,
    ),
    "department load of a month, operational tables without indexes": (DEPARTMENT_LOAD, False),
    "department load of a month, operational tables": (DEPARTMENT_LOAD, True),
    "department load of a month, materialized view": (
        """SELECT department.public_id, department.name, sum(appointments) AS appointments, sum(no_shows)
             FROM department_load JOIN dim_department department ON department.id = department_id
            WHERE month >= '{begin}' AND month < '{end}' GROUP BY department.id ORDER BY appointments DESC""",
        True,
    ),
}


class Analytics(Chapter):
    name = "analytics"
    title = "Figures, and what changes cost them"

    def measure(self):
        took = {}
        for scale, always in CLINICS.items():
            if not always and self.scale < 1:
                self.notes.append(f"The {scale} clinic is made at scale 1.")
            elif not always and shutil.disk_usage(self.site.stack.data_dir.path).free < LARGE_NEEDS_BYTES:
                self.notes.append(f"There was no room for the {scale} clinic.")
            else:
                took[scale] = self._measure_clinic(scale)
        if len(took) > 1:
            self.add("that, in the large clinic for each in the smaller", took["large"] / took["predecessor"], "times", goal=1.5)

    def _measure_clinic(self, scale: str) -> float:
        """Ms that 1,000 changes take."""
        site = Site(self.site.stack, f"bench_figures_{scale}", tally=self.site.tally)
        self._make(site, scale)
        services = site.services(tasks=False)
        site.fleet.begin(services)
        try:
            count = site.one("SELECT count(*) FROM scheduling_appointment")
            self._read(site, count)
            self._open_pages(site, count)
            median = self._refresh(site, count)
            self._explain(site, count)
            return median
        finally:
            site.fleet.finish(services)
            site.close()

    def _make(self, site: Site, scale: str) -> None:
        stack = site.stack
        with psycopg.connect(stack.stores.urls["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {site.name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {site.name}")
        logins = stack.data_dir.path / "bench-logins.json"
        logins.write_text(json.dumps({name: {"username": name, "password": stack.data_dir.secret("staff")} for name in LOGIN_NAMES}))
        environment = stack.environment(site.name) | {"DATABASE_AS_OWNER": "True", "CLINIC_LOGINS_FILE": str(logins)}
        for command in (["collectstatic", "--no-input"], ["migrate"], ["seed", "--scale", scale]):
            began = time.monotonic()
            subprocess.run([sys.executable, "manage.py", *command], env=environment, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
        used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
        goal, minutes = {"goal": 10} if scale == "large" else {}, round((time.monotonic() - began) / 60, 1)
        self.add(f"seed --scale {scale}, figures included", minutes, "min", detail={"memory": f"{used} MB"}, **goal)

    def _read(self, site: Site, count: int) -> None:
        caller, today = site.caller("manager"), site.today
        month = today.replace(day=1) - timedelta(days=1)
        words = {"year": month.year, "month": month.month, "first": today - timedelta(days=100), "last": today}
        for what, path in READS.items():
            path = path.format(**words)
            number = self.times(REQUESTS, least=CLIENTS)
            caller.get(path)
            began = time.monotonic()
            took = milliseconds(range(number), lambda _, path=path: caller.get(path), clients=CLIENTS)
            rate = round(number / (time.monotonic() - began))
            self.add_latency(f"{what} at {count} appointments, {CLIENTS} clients at once, {rate} a second", took)

    def _open_pages(self, site: Site, count: int) -> None:
        """The dashboards as a manager opens them, one after the other."""
        reader = Reader(site.port, "manager", site.stack.data_dir.secret("staff"))
        for page in PAGES:
            path = f"/analytics/{page}/"
            reader.get(path)
            took = milliseconds(range(self.times(PAGE_READS, least=3)), lambda _, path=path: reader.get(path))
            self.add_latency(f"the page {page} at {count} appointments", took)

    def _refresh(self, site: Site, count: int) -> float:
        """Ms from the wish to the answer: queue worked off, sums and views made anew."""
        caller, took = site.caller("manager"), []
        for turn in range(ROUNDS + 1):
            site.execute(CHANGE, ("no_show", "completed")[turn % 2], DOCTORS, CHANGES // DOCTORS)
            began = time.perf_counter()
            answer = caller.post("analytics/refresh/")
            if turn:  # the first one fills caches
                took.append(1000 * (time.perf_counter() - began))
            if answer.body.get("changes", 0) < CHANGES:
                raise RuntimeError(f"A refresh took {answer.body} instead of {CHANGES} changes.")
        median = statistics.median(took)
        span = {"fastest": round(min(took)), "slowest": round(max(took)), "rounds": ROUNDS}
        self.add(f"{CHANGES} changes into the figures at {count} appointments", round(median), "ms", detail=span)
        return median

    def _explain(self, site: Site, count: int) -> None:
        begin = (site.today.replace(day=1) - timedelta(days=1)).replace(day=1)
        words = {"year": begin.year, "next_year": begin.year + 1, "begin": begin, "end": site.today.replace(day=1)}
        connection = site.connection
        for title, (sql, indexes) in PLANS.items():
            with connection.transaction():
                for kind in ("indexscan", "indexonlyscan", "bitmapscan"):
                    connection.execute(f"SET LOCAL enable_{kind} = {indexes}")
                plan = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {sql.format(**words)}").fetchall()
            self.plans[f"{title}, {count} appointments"] = "\n".join(line for (line,) in plan)
