"""The chapters, in the order of a run."""

from clinic.ops.prove.chapters.audit import Audit
from clinic.ops.prove.chapters.belonging import Belonging
from clinic.ops.prove.chapters.bookings import OneDoctor
from clinic.ops.prove.chapters.calls import Calls
from clinic.ops.prove.chapters.check_ins import CheckIns
from clinic.ops.prove.chapters.crashes import Crashes
from clinic.ops.prove.chapters.dispensing import Dispensing
from clinic.ops.prove.chapters.edits import Edits
from clinic.ops.prove.chapters.figures import Figures
from clinic.ops.prove.chapters.isolation import Isolation
from clinic.ops.prove.chapters.money import Money
from clinic.ops.prove.chapters.notes import Notes
from clinic.ops.prove.chapters.patients import OnePatient
from clinic.ops.prove.chapters.rights import Rights
from clinic.ops.prove.chapters.signing import Signing
from clinic.ops.prove.chapters.tampering import Tampering
from clinic.ops.prove.chapters.tasks import Tasks

CHAPTERS = (
    OneDoctor,
    OnePatient,
    CheckIns,
    Calls,
    Dispensing,
    Money,
    Audit,
    Tampering,
    Rights,
    Belonging,
    Notes,
    Signing,
    Edits,
    Isolation,
    Figures,
    Crashes,
    Tasks,
)
