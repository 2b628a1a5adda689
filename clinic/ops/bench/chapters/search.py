"""Finding a patient as someone types, over HTTP, signed in, with the audit on."""

import random
from urllib.parse import quote

from clinic.ops.bench import people
from clinic.ops.bench.chapter import Chapter
from clinic.ops.bench.timing import milliseconds

PATIENTS = 1_000_000
REQUESTS = 200
GOAL_MS = 50

# What the functions of the database run inside, and how a misspelt word was looked for before there was a list of words.
PLANS = {
    "a misspelt word among the words of all names": """
        SELECT word FROM patients_nameword WHERE word % 'thompsn'
         UNION SELECT word FROM patients_nameword WHERE daitch_mokotoff(word) && daitch_mokotoff('thompsn')""",
    "the patients of two misspelt words": """
        SELECT id FROM patients_patient WHERE clinic_name_words(search_name) && '{okafor,okafo}'::text[]
           AND clinic_name_words(search_name) && '{adaeze}'::text[] LIMIT 50""",
    "former way: a misspelt word among all patients": """
        SELECT id FROM patients_patient WHERE search_name %> 'thompsn'
         ORDER BY word_similarity('thompsn', search_name) DESC, sort_name, id LIMIT 50""",
    "former way: a part of a name": """
        SELECT id FROM patients_patient WHERE search_name LIKE '%wiss%' ORDER BY sort_name, id LIMIT 50""",
}


class Search(Chapter):
    name = "search"
    title = "Finding a patient as someone types"

    def measure(self):
        count = self.times(PATIENTS)
        people.fill(self.site.connection, count)
        self.site.execute("VACUUM (ANALYZE) patients_nameword")
        self.notes.append(f"{count} patients, {self.site.one('SELECT count(*) FROM patients_nameword')} different words in their names")
        caller = self.site.caller("reception")
        for what, queries in self._queries(self.times(REQUESTS, least=20)).items():
            for query in queries[:3]:
                caller.get(_path(query))
            took = milliseconds(queries, lambda query: caller.get(_path(query)))
            self.add_latency(f"search by {what}", took, p95=GOAL_MS)
        self._explain()

    def _queries(self, number: int) -> dict[str, list[str]]:
        dice = random.Random(2)
        rows = self.site.rows(
            "SELECT mrn, clinic_unaccent(first_name), clinic_unaccent(last_name), phone, national_id, date_of_birth FROM patients_patient "
            "WHERE phone <> '' AND length(last_name) > 4 ORDER BY md5(mrn) LIMIT %s",
            number,
        )
        return {
            "MRN": [row[0] for row in rows],
            "name": [f"{row[1]} {row[2]}".lower() for row in rows],
            "the beginning of a name": [row[2][:4].lower() for row in rows],
            "one misspelt word": [_slip(row[2], dice) for row in rows],
            "two misspelt words": [f"{_slip(row[1], dice)} {_slip(row[2], dice)}" for row in rows],
            "the end of a phone number": [row[3][-7:] for row in rows],
            "national id": [row[4] for row in rows],
            "birth date": [row[5].isoformat() for row in rows],
            "misspelt name and birth date": [f"{_slip(row[2], dice)} {row[5]:%d.%m.%Y}" for row in rows],
        }

    def _explain(self):
        connection = self.site.connection
        with connection.transaction():
            connection.execute("SET LOCAL pg_trgm.similarity_threshold = 0.3")
            connection.execute("SET LOCAL pg_trgm.word_similarity_threshold = 0.4")
            for title, sql in PLANS.items():
                plan = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {sql}").fetchall()
                self.plans[title] = "\n".join(line for (line,) in plan)


def _path(query: str) -> str:
    return f"patients/?page_size=20&search={quote(query)}"


def _slip(word: str, dice: random.Random) -> str:
    """A letter left out, two swapped, or one wrong; never the first."""
    at = dice.randrange(1, max(2, len(word) - 1))
    kind = dice.randrange(3)
    if kind == 0:
        return word[:at] + word[at + 1 :]
    if kind == 1:
        return word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]
    return word[:at] + dice.choice("aeiounrst") + word[at + 1 :]
