"""Proving the chain: what was edited, removed, put in, exchanged, cut off, sealed anew or restored since it was sealed."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings

from clinic.audit import anchors, rules, sink
from clinic.audit.models import OutboxEvent, Topic
from clinic.core.mongo import MongoDown

BATCH = 2_000
SHOWN = 50


@dataclass(frozen=True, order=True)
class Finding:
    """Something that contradicts the chain, at the place `sequence`; 0 where the row has none."""

    sequence: int
    kind: str
    sentence: str
    event_id: UUID | None = field(default=None, compare=False)


@dataclass
class Proof:
    """`findings` are the first by their place; `found` is how many there are in all."""

    events: int = 0
    unsealed: int = 0
    copies: int = 0
    anchors: int = 0
    found: int = 0
    findings: list[Finding] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.found and not self.unknown

    def add(self, sequence: int, kind: str, sentence: str, event_id=None) -> None:
        self.found += 1
        self.findings = heapq.nsmallest(SHOWN, [*self.findings, Finding(sequence, kind, sentence, event_id)])


def prove_chain() -> Proof:
    """Walk the whole chain, in order, and compare it with its anchors and with MongoDB's copies. Writes nothing."""
    proof = Proof(unsealed=OutboxEvent.objects.unsealed().count())
    promised = _anchors(proof)
    keys = {rules.key_id_of(key): key for key in [settings.AUDIT_KEY, *settings.AUDIT_FORMER_KEYS]}
    head, previous = 0, rules.GENESIS
    for events in _sealed():
        for event in events:
            if event.sequence != head + 1:
                proof.add(head + 1, "missing", f"Events {head + 1} to {event.sequence - 1} are missing.")
                previous = None
            _prove_seal(proof, event, previous, keys)
            _prove_anchor(proof, event, promised)
            head, previous = event.sequence, event.seal
        proof.events += len(events)
        _compare_copies(proof, events)
    _compare_copies_of_unsealed(proof)
    for sequence, seals in promised.items():
        if sequence > head:
            where = ", ".join(sorted(set(seals.values())))
            proof.add(head + 1, "cut", f"The chain ends at {head}, but the anchor in {where} says that it had {sequence} events.")
    _find_strangers(proof)
    return proof


def _sealed() -> Iterator[list[OutboxEvent]]:
    last = -1
    while events := list(OutboxEvent.objects.filter(sequence__gt=last).order_by("sequence")[:BATCH]):
        yield events
        last = events[-1].sequence


def _prove_seal(proof: Proof, event: OutboxEvent, previous: str | None, keys: dict[str, str]) -> None:
    if event.key_id not in keys:
        proof.add(event.sequence, "key", f"Sealed with the key {event.key_id}, which is not known here.", event.event_id)
    elif previous is None:
        return  # what stood before it is missing, which was said
    elif rules.seal_of(key=keys[event.key_id], previous=previous, sequence=event.sequence, event=event) != event.seal:
        proof.add(event.sequence, "broken", "This event, or its place, is not what was sealed.", event.event_id)


def _anchors(proof: Proof) -> dict[int, dict[str, str]]:
    """{sequence: {seal: where}}: one place may hold several, and they may differ."""
    promised: dict[int, dict[str, str]] = {}
    try:
        for sequence, seal in anchors.in_mongodb().items():
            promised.setdefault(sequence, {})[seal] = "MongoDB"
            proof.anchors += 1
    except MongoDown:
        proof.unknown.append("MongoDB cannot be reached: its anchors and its copies were not compared.")
    try:
        for sequence, seal in anchors.in_file():
            if sequence == 0:
                proof.add(0, "anchor", f"The anchor file has a line that no sealer wrote: {seal!r}.")
                continue
            promised.setdefault(sequence, {})[seal] = "the file"
            proof.anchors += 1
    except OSError:
        proof.unknown.append("The anchor file cannot be read.")
    return promised


def _prove_anchor(proof: Proof, event: OutboxEvent, promised: dict[int, dict[str, str]]) -> None:
    for seal, where in promised.pop(event.sequence, {}).items():
        if seal != event.seal:
            proof.add(event.sequence, "anchor", f"The seal is not the one that was anchored in {where}.", event.event_id)


def _compare_copies(proof: Proof, events: list[OutboxEvent]) -> None:
    shipped = [event for event in events if event.shipped_at]
    if proof.unknown and not _can_compare(proof):
        return
    try:
        for topic in {event.topic for event in shipped}:
            _compare_topic(proof, topic, [event for event in shipped if event.topic == topic])
    except MongoDown:
        proof.unknown.append("MongoDB went away: not all copies were compared.")


def _can_compare(proof: Proof) -> bool:
    return not any(sentence.startswith("MongoDB") for sentence in proof.unknown)


def _compare_topic(proof: Proof, topic: str, events: list[OutboxEvent]) -> None:
    copies = sink.copies(topic, [event.event_id for event in events])
    for event in events:
        copy = copies.get(event.event_id)
        if copy is None:
            proof.add(event.sequence or 0, "copy", f"MongoDB's {topic} lacks this event.", event.event_id)
        elif copy != sink.as_stored(event):
            proof.add(event.sequence or 0, "copy", f"MongoDB's copy in {topic} is not the event.", event.event_id)
    proof.copies += len(events)


def _compare_copies_of_unsealed(proof: Proof) -> None:
    last = 0
    while events := list(OutboxEvent.objects.unsealed().filter(pk__gt=last).order_by("pk")[:BATCH]):
        _compare_copies(proof, events)
        last = events[-1].pk


def _find_strangers(proof: Proof) -> None:
    """Documents of MongoDB that no event stands behind."""
    if not _can_compare(proof):
        return
    try:
        for topic in Topic:
            for ids in sink.ids(topic, BATCH):
                known = set(
                    OutboxEvent.objects.filter(event_id__in=[one for one in ids if isinstance(one, UUID)]).values_list(
                        "event_id", flat=True
                    )
                )
                for stranger in sorted(set(ids) - known, key=str):
                    sentence = f"MongoDB's {topic} has {stranger}, which no event stands behind."
                    proof.add(0, "stranger", sentence, stranger if isinstance(stranger, UUID) else None)
    except MongoDown:
        proof.unknown.append("MongoDB went away: its documents were not all looked for.")
