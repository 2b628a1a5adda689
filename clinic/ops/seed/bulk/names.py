"""Names of a large population: few that many share, and many that few do, as anywhere."""

import random
from itertools import accumulate, product

from clinic.ops.seed.data.names import PEOPLES

_ONSETS = [
    "Al",
    "Ber",
    "Cam",
    "Dor",
    "El",
    "Fen",
    "Gar",
    "Hol",
    "Iv",
    "Jar",
    "Kel",
    "Lan",
    "Mor",
    "Nev",
    "Ol",
    "Par",
    "Ros",
    "Sal",
    "Tor",
    "Wes",
]
_MIDDLES = ["a", "en", "i", "ow", "er", "in", "o", "ak", "est", "ul"]
_ENDS = ["ley", "son", "man", "ski", "dale", "ford", "etti", "ova", "berg", "well", "ström", "ez", "wood", "ian", "croft"]


class Names:
    """Family names by a Zipf distribution over 3,000, given names over those of the demo; chance is the caller's."""

    def __init__(self):
        families = [family for _, _, families in PEOPLES for family in families]
        families += ["".join(parts) for parts in product(_ONSETS, _MIDDLES, _ENDS)]
        self._families, self._family_weights = families, _zipf(len(families))
        self._given = {
            "female": [name for women, _, _ in PEOPLES for name in women],
            "male": [name for _, men, _ in PEOPLES for name in men],
        }

    def draw(self, dice: random.Random) -> tuple[str, str, str]:
        """(sex, given name, family name)"""
        sex = "female" if dice.random() < 0.51 else "male"
        first = dice.choice(self._given[sex])
        if dice.random() < 0.3:
            first += f"-{dice.choice(self._given[sex])}"
        return sex, first, dice.choices(self._families, cum_weights=self._family_weights)[0]


def _zipf(size: int) -> list[float]:
    return list(accumulate(1 / (rank + 10) for rank in range(size)))
