from importlib import import_module

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "analytics"

    def ready(self):
        import_module("analytics.api.schema")  # the API's description finds its extensions once they are imported
