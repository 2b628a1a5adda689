from importlib import import_module

from django.apps import AppConfig


class PharmacyConfig(AppConfig):
    name = "pharmacy"

    def ready(self):
        import_module("pharmacy.api.schema")  # the API's description finds its extensions once they are imported
