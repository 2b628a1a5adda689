from importlib import import_module

from django.apps import AppConfig


class PatientsConfig(AppConfig):
    name = "patients"

    def ready(self):
        import_module("patients.api.schema")  # the API's description finds its extensions once they are imported
