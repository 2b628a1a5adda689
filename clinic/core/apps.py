from importlib import import_module

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "clinic.core"
    label = "core"

    def ready(self):
        # Without it a web process sends tasks through an app of Celery's own, to a broker that nobody runs.
        import_module("clinic.celery")
        import_module("clinic.core.schema")  # the API's description finds its extensions once they are imported
