from django.core.management.base import BaseCommand, CommandError

from clinic.audit.services.proving import Proof, prove_chain


class Command(BaseCommand):
    help = (
        "Prove the audit chain by its key, its anchors and MongoDB's copies. Status 1 when something contradicts it or was not to be read."
    )

    def handle(self, *args, **options):
        proof = prove_chain()
        for line in lines_of(proof):
            self.stdout.write(line)
        if not proof.holds:
            raise CommandError(f"{proof.found} contradictions; {len(proof.unknown)} things could not be looked at.")


def lines_of(proof: Proof):
    """What was looked at, then each finding with the number and the id of its event, the first one first."""
    yield f"{proof.events} events sealed, {proof.unsealed} waiting; {proof.anchors} anchors and {proof.copies} copies compared."
    for finding in proof.findings:
        event = f" {finding.event_id}" if finding.event_id else ""
        yield f"{finding.sequence or '-'}{event}: {finding.sentence}"
    if proof.found > len(proof.findings):
        yield f"... and {proof.found - len(proof.findings)} more."
    yield from proof.unknown
    if proof.holds:
        yield "The chain holds."
