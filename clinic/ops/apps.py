from django.apps import AppConfig
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
        post_migrate.connect(grant_after_migrate, sender=self)
