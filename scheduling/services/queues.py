from django.db import IntegrityError, transaction

from clinic.accounts.models import Department, Doctor
from clinic.core.errors import InvalidInput
from scheduling.models import Queue
from scheduling.rules.queue import code_candidates


def queue_of(*, doctor: Doctor | None = None, department: Department | None = None) -> Queue:
    """The queue of a doctor or of a department, made at its first use.

    Its code is made of their letters; two that are made at once never get the same one.
    Raises InvalidInput unless exactly one is given.
    """
    if (doctor is None) == (department is None):
        raise InvalidInput(errors={"doctor": ["Name a doctor or a department."]})
    owner = {"doctor": doctor} if doctor else {"department": department}
    return Queue.objects.select_related("doctor__user", "department").filter(**owner).first() or _make(owner)


@transaction.atomic
def _make(owner: dict) -> Queue:
    name = owner["doctor"].user.get_full_name() if owner.get("doctor") else owner["department"].name
    taken = set(Queue.objects.values_list("code", flat=True))
    for code in code_candidates(name):
        if code in taken:
            continue
        try:
            with transaction.atomic():
                return Queue.objects.create(code=code, **owner)
        except IntegrityError:
            # Somebody made this queue, or took this code, at the same moment.
            if made := Queue.objects.select_related("doctor__user", "department").filter(**owner).first():
                return made
    raise AssertionError("there are more codes than queues")
