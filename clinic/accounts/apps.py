from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class AccountsConfig(AppConfig):
    name = "clinic.accounts"
    label = "accounts"
    default = True


class ClinicAdminConfig(admin_apps.AdminConfig):
    default = False  # named in INSTALLED_APPS
    default_site = "clinic.accounts.admin_site.ClinicAdminSite"
