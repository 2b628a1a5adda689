"""The demo clinic itself: places, people who work there, hours, prices, suppliers."""

from dataclasses import dataclass
from datetime import time

from clinic.accounts.roles import Role

MAIN, HARBOUR = "Riverside Clinic", "Riverside Clinic at the Harbour"
GENERAL, PAEDIATRICS, DENTAL = "General Medicine", "Paediatrics", "Dental"

FACILITIES = [  # name, address, phone
    (MAIN, "12 Mill Lane\nRiverside", "+12025550100"),
    (HARBOUR, "3 Quay Street\nRiverside", "+12025550101"),
]
DEPARTMENTS = [  # name, location, facility
    (GENERAL, "ground floor", MAIN),
    (PAEDIATRICS, "first floor, east", MAIN),
    (DENTAL, "second floor", HARBOUR),
]
SPECIALIZATIONS = ["Dentistry", "Dermatology", "Endocrinology", "Family medicine", "Internal medicine", "Orthodontics", "Paediatrics"]

# name of the login, role, given name, family name
STAFF = [
    ("admin", Role.ADMIN, "Sofia", "Lindqvist"),
    ("manager", Role.MANAGER, "Daniel", "Mensah"),
    ("nurse", Role.NURSE, "Grace", "Mwangi"),
    ("pharmacist", Role.PHARMACIST, "Priya", "Raman"),
    ("reception", Role.RECEPTION, "Lucía", "Fernández"),
]

MORNING, AFTERNOON, LATE = (time(8), time(12)), (time(13), time(17)), (time(14), time(19))
WEEK = range(1, 6)
SATURDAY = 6


@dataclass(frozen=True)
class Colleague:
    """A doctor. `sessions` are those of a weekday; who works on Saturdays does so in the morning."""

    login: str
    first: str
    last: str
    department: str
    specializations: list[str]
    experience_years: int
    fee: str
    slot_minutes: int
    room: str
    sessions: list[tuple[time, time]]
    on_saturday: bool = False


# Only `doctor` and `doctor2` can sign in.
DOCTORS = [
    Colleague("doctor", "Amina", "Haddad", GENERAL, ["Family medicine"], 14, "40.00", 15, "Room 1", [MORNING, AFTERNOON], True),
    Colleague("doctor2", "Tomás", "Rivera", PAEDIATRICS, ["Paediatrics"], 9, "45.00", 15, "Room 5", [MORNING, AFTERNOON], True),
    Colleague("dr.okafor", "Chidi", "Okafor", GENERAL, ["Internal medicine"], 21, "55.00", 20, "Room 2", [MORNING, AFTERNOON], False),
    Colleague("dr.novak", "Jana", "Nováková", GENERAL, ["Internal medicine", "Endocrinology"], 17, "55.00", 20, "Room 3", [MORNING], False),
    Colleague("dr.raghavan", "Meera", "Raghavan", GENERAL, ["Dermatology"], 6, "50.00", 15, "Room 4", [AFTERNOON], False),
    Colleague("dr.lefevre", "Étienne", "Lefèvre", PAEDIATRICS, ["Paediatrics"], 26, "45.00", 15, "Room 6", [LATE], False),
    Colleague("dr.tanaka", "Haruka", "Tanaka", DENTAL, ["Dentistry"], 11, "60.00", 30, "Surgery 1", [MORNING, AFTERNOON], True),
    Colleague("dr.schafer", "Lukas", "Schäfer", DENTAL, ["Dentistry", "Orthodontics"], 8, "60.00", 30, "Surgery 2", [LATE], False),
]

PACKAGES = [  # code, name, price, {code of the price list: number}
    ("CHECKUP", "Health check", "45.00", {"ECG": 1, "BLOODS": 1, "GLUC": 1, "CRP": 1}),
    ("DENTAL", "Dental check with cleaning", "105.00", {"HYGIENE": 1, "FILL1": 1}),
]
PRICES = [  # code, name, price, tax percent
    ("ABPM", "24-hour blood pressure monitoring", "35.00", "0"),
    ("BLOODS", "Blood sample taken", "8.00", "0"),
    ("CAST", "Plaster cast, forearm", "42.00", "0"),
    ("CERT", "Medical certificate", "15.00", "10"),
    ("CRYO", "Cryotherapy of a wart", "28.00", "0"),
    ("CRP", "C-reactive protein, rapid test", "12.00", "0"),
    ("DRESS", "Wound dressing", "10.00", "0"),
    ("EAR", "Ear irrigation", "18.00", "0"),
    ("ECG", "Electrocardiogram, 12 leads", "30.00", "0"),
    ("EXTRACT", "Tooth extraction", "75.00", "0"),
    ("FILL1", "Filling, one surface", "65.00", "0"),
    ("FLUV", "Influenza vaccination", "20.00", "0"),
    ("GLUC", "Blood glucose, finger prick", "4.00", "0"),
    ("HYGIENE", "Scale and polish", "55.00", "0"),
    ("NEB", "Nebuliser treatment", "16.00", "0"),
    ("PEAK", "Peak flow measurement", "6.00", "0"),
    ("STITCH", "Suture of a small wound", "48.00", "0"),
    ("STREP", "Streptococcus A, rapid test", "11.00", "0"),
    ("URINE", "Urine dipstick", "5.00", "0"),
    ("XRAYD", "Dental X-ray", "25.00", "0"),
]

SUPPLIERS = [  # name, phone, email
    ("MedSupply North", "+12025550140", "orders@medsupply-north.example"),
    ("Harbour Pharmaceuticals", "+12025550141", "sales@harbour-pharma.example"),
    ("Atlas Generics", "+12025550142", "desk@atlas-generics.example"),
    ("Dental Depot", "+12025550143", "hello@dental-depot.example"),
]
