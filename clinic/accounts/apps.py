from importlib import import_module

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class AccountsConfig(AppConfig):
    name = "clinic.accounts"
    label = "accounts"
    default = True

    def ready(self):
        import_module("clinic.accounts.api.schema")  # the API's description finds its extensions once they are imported


class ClinicAdminConfig(admin_apps.AdminConfig):
    default = False  # named in INSTALLED_APPS
    default_site = "clinic.accounts.admin_site.ClinicAdminSite"
