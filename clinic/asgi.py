"""The event process: the board's stream and nothing else. Pages and the API are served by clinic.wsgi."""

import os

import django
from django.utils.module_loading import import_string

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
django.setup()

application = import_string("scheduling.stream.application")
