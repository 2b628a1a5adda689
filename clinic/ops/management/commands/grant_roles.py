from django.core.management.base import BaseCommand, CommandError

from clinic.ops.grants import app_role, grant_to


class Command(BaseCommand):
    help = "Give the role of DATABASE_APP_URL its privileges anew. migrate does it too."

    def handle(self, *args, **options):
        role = app_role()
        if not role:
            raise CommandError("DATABASE_APP_URL names no role: the application connects as the owner of the tables.")
        grant_to(role)
        self.stdout.write(f"{role} may now do what the application does.")
