from django.apps import AppConfig, apps
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate


class OpsConfig(AppConfig):
    name = "clinic.ops"
    label = "ops"

    def ready(self):
        from clinic.ops import checks
        from clinic.ops.grants import grant_after_migrate

        register(checks.application_has_a_role_of_its_own, Tags.security, deploy=True)
        register(checks.application_owns_no_table, Tags.database, deploy=True)
        # The signal comes once for each app that has models, when all are migrated: one of them is enough.
        post_migrate.connect(grant_after_migrate, sender=apps.get_app_config("audit"))
