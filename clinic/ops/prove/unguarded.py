"""The server of the negative controls: the product with one guard taken out, which UNGUARDED names.

Only `make prove` starts it, against a database of its own. Constraints are dropped there by the chapter;
what is Python is replaced here.
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
os.environ.setdefault("DATABASE_POOL", "True")

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()


def booking() -> None:
    """Doctor and patient are read without a lock."""
    from clinic.accounts.models import Doctor
    from patients.models import Patient
    from scheduling import locks

    locks.lock_doctors = lambda *ids: Doctor.objects.in_bulk(set(ids))
    locks.lock_patient = lambda patient_id: Patient.objects.get(pk=patient_id)


WITHOUT = {"booking": booking}

WITHOUT[os.environ["UNGUARDED"]]()
