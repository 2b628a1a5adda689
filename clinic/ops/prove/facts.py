"""Who and what is in the template: the ids that requests and SQL need. Written by reference.py."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """`id` is the public one, `pk` the primary key."""

    id: str
    pk: int


@dataclass(frozen=True)
class Facts:
    doctors: list[Row]
    departments: list[Row]
    patients: list[Row]
    users: dict[str, int]

    def write(self, path: Path):
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, path: Path) -> "Facts":
        kept = json.loads(path.read_text())
        rows = {name: [Row(**row) for row in kept[name]] for name in ("doctors", "departments", "patients")}
        return cls(**rows, users=kept["users"])
