from importlib import import_module

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "clinic.portal"
    label = "portal"

    def ready(self):
        import_module("clinic.portal.api.schema")  # the API's description finds its extensions once they are imported
