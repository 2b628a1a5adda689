"""Many made-up patients in little time: COPY, and the same ones in every run.

Names follow Zipf's law, as people's names do: a few are everybody's, most are rare.
"""

import random
from collections.abc import Iterator
from datetime import date, timedelta

import psycopg

from clinic.ops.seed.data.names import PEOPLES
from patients.rules.identity import mrn_of

GIVEN_NAMES, FAMILY_NAMES = 8_000, 60_000
REGISTERED_ON = date(2020, 1, 1)
_ONSETS = [
    "b",
    "br",
    "ch",
    "d",
    "dr",
    "f",
    "g",
    "gr",
    "h",
    "j",
    "k",
    "kr",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "sh",
    "st",
    "t",
    "tr",
    "v",
    "w",
    "z",
]
_VOWELS = ["a", "e", "i", "o", "u", "ai", "ei", "ou", "é", "ö"]
_CODAS = ["", "", "", "n", "r", "s", "l", "k", "m", "nd", "rt", "tt"]
_ENDINGS = ["", "", "son", "ez", "ski", "ova", "berg", "man", "ini", "eau"]
COLUMNS = (
    "public_id, created_at, updated_at, version, mrn, first_name, last_name, date_of_birth, date_of_birth_precision, sex, phone, email, "
    "address, blood_group, national_id, emergency_contact_name, emergency_contact_phone, emergency_contact_relation, insurance_payer, "
    "insurance_policy_number, registered_on, is_restricted, status, deactivated_reason"
)


def fill(connection: psycopg.Connection, count: int) -> None:
    """So many patients beside those who are there, under MRNs from 1 on."""
    connection.execute("CREATE TEMP TABLE made (number int, first_name text, last_name text, born date, phone text, national_id text)")
    with connection.cursor().copy("COPY made FROM STDIN") as copy:
        for row in people(count):
            copy.write_row(row)
    connection.execute("CREATE TEMP TABLE mrns (number int, mrn text)")
    with connection.cursor().copy("COPY mrns FROM STDIN") as copy:
        for number in range(1, count + 1):
            copy.write_row((number, mrn_of(number)))
    connection.execute(
        f"""INSERT INTO patients_patient ({COLUMNS})
            SELECT gen_random_uuid(), now(), now(), 1, mrn, first_name, last_name, born, 'day', 'unknown', phone, '', '', '', national_id,
                   '', '', '', '', '', %s, false, 'active', ''
              FROM made JOIN mrns USING (number) ORDER BY number""",
        [REGISTERED_ON],
    )
    connection.execute("DROP TABLE made, mrns")
    connection.execute("UPDATE patients_mrncounter SET last_number = %s", [count])
    connection.execute("VACUUM (ANALYZE) patients_patient")


def people(count: int) -> Iterator[tuple]:
    """(number, first name, last name, born, phone, national id)."""
    dice = random.Random(1)
    given = [name for women, men, _ in PEOPLES for name in women + men]
    families = [name for _, _, names in PEOPLES for name in names]
    given += [_made_up(dice, 2, [""]) for _ in range(GIVEN_NAMES - len(given))]
    families += [_made_up(dice, dice.choice((1, 2, 2)), _ENDINGS) for _ in range(FAMILY_NAMES - len(families))]
    for number in range(1, count + 1):
        born = REGISTERED_ON - timedelta(days=dice.randrange(1, 34_000))
        phone = f"+1{dice.randrange(201, 990)}{dice.randrange(200, 1000)}{dice.randrange(10_000):04}"
        yield number, _zipf(dice, given), _zipf(dice, families), born, phone, f"{dice.randrange(10**9):09}"


def _zipf(dice: random.Random, names: list[str]) -> str:
    """The n-th name is about n times rarer than the first."""
    return names[int(len(names) ** dice.random()) - 1]


def _made_up(dice: random.Random, syllables: int, endings: list[str]) -> str:
    name = "".join(dice.choice(_ONSETS) + dice.choice(_VOWELS) + dice.choice(_CODAS) for _ in range(syllables))
    return (name + dice.choice(endings)).capitalize()
