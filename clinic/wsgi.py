"""The web process."""

import os

from django.core.wsgi import get_wsgi_application
from django.utils.module_loading import import_string

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
os.environ.setdefault("DATABASE_POOL", "True")
os.environ.setdefault("BROKER_TIMEOUT_S", "0.3")  # a request that wakes a task does not wait for a broker that hangs

application = get_wsgi_application()
import_string("scheduling.healer.start")()
