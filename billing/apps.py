from importlib import import_module

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self):
        import_module("billing.api.schema")  # the API's description finds its extensions once they are imported
