from importlib import import_module

from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    name = "scheduling"

    def ready(self):
        import_module("scheduling.api.schema")  # the API's description finds its extensions once they are imported
