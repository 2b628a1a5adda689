"""All environments, through the environment or `.env`; the defaults are safe for production.

`.env.example` lists every name that is read here.
"""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

# --- What this clinic is ---------------------------------------------------------------

CLINIC_NAME = env.str("CLINIC_NAME", default="Riverside Clinic")
CLINIC_TAX_ID = env.str("CLINIC_TAX_ID", default="")  # printed on invoices and receipts
CLINIC_LOGO = Path(env.str("CLINIC_LOGO")) if env.str("CLINIC_LOGO", default="") else None  # a PNG, JPEG or SVG, for the same
CURRENCY = env.str("CURRENCY", default="USD")
# Notes and coins that a drawer is counted by, largest first.
_DENOMINATIONS = {
    "USD": "100 50 20 10 5 1 0.25 0.10 0.05 0.01",
    "EUR": "500 200 100 50 20 10 5 2 1 0.50 0.20 0.10 0.05 0.02 0.01",
    "GBP": "50 20 10 5 2 1 0.50 0.20 0.10 0.05 0.02 0.01",
    "INR": "500 200 100 50 20 10 5 2 1",
}
CASH_DENOMINATIONS = [
    Decimal(value) for value in (env.str("CASH_DENOMINATIONS", default="") or _DENOMINATIONS.get(CURRENCY, "100 50 20 10 5 1")).split()
]
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
PHONENUMBER_DEFAULT_REGION = env.str("PHONE_REGION", default="US")
PHONENUMBER_DB_FORMAT = "E164"
# Policy: a prescription is handed over only after its invoice is paid.
PAY_BEFORE_DISPENSE = env.bool("PAY_BEFORE_DISPENSE", default=True)
# Policy: a consultation is free when the same doctor or department was paid for one so many days before, at most; 0: never.
FOLLOW_UP_FREE_DAYS = env.int("FOLLOW_UP_FREE_DAYS", default=0)
# Policy: for how many days a signed prescription may be handed out, and one with a controlled medicine; many laws say half a year, and 28.
PRESCRIPTION_VALID_DAYS = env.int("PRESCRIPTION_VALID_DAYS", default=180)
CONTROLLED_PRESCRIPTION_VALID_DAYS = env.int("CONTROLLED_PRESCRIPTION_VALID_DAYS", default=28)
if not 1 <= CONTROLLED_PRESCRIPTION_VALID_DAYS <= PRESCRIPTION_VALID_DAYS <= 366:
    raise ImproperlyConfigured("PRESCRIPTION_VALID_DAYS is from 1 to 366, CONTROLLED_PRESCRIPTION_VALID_DAYS at most as many.")
# Advice on what to order: how long a delivery takes, and how long an order should last, in days.
STOCK_LEAD_DAYS = env.int("STOCK_LEAD_DAYS", default=7)
STOCK_COVER_DAYS = env.int("STOCK_COVER_DAYS", default=30)
DEMO = env.bool("DEMO", default=False)
# Where browsers find the board's event stream: a path behind the same proxy, or a whole address. Empty: the board asks every 2 s.
BOARD_EVENTS_URL = env.str("BOARD_EVENTS_URL", default="")

# --- Safety ----------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
if len(SECRET_KEY) < 32:
    raise ImproperlyConfigured("SECRET_KEY must be set to at least 32 random characters; see .env.example.")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
if not DEBUG and not DEMO and "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the clinic's own hosts, not '*'.")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# False only where the clinic is reached without TLS: a demo or a test on loopback.
SECURE_COOKIES = env.bool("SECURE_COOKIES", default=True)
if not SECURE_COOKIES and not (DEBUG or DEMO):
    raise ImproperlyConfigured("SECURE_COOKIES=False is for DEBUG or DEMO only: sessions would cross the network in clear.")

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())
SESSION_ENGINE = "clinic.accounts.sessions"  # in PostgreSQL: signing in must not depend on Redis
# A browser that nobody used for so long is locked until the password is given, and later signed out.
IDLE_LOCK_AFTER = timedelta(minutes=env.int("IDLE_LOCK_MINUTES", default=10))
IDLE_SIGN_OUT_AFTER = timedelta(minutes=env.int("IDLE_SIGN_OUT_MINUTES", default=15))
if not timedelta(minutes=1) <= IDLE_LOCK_AFTER < IDLE_SIGN_OUT_AFTER <= timedelta(hours=1):
    raise ImproperlyConfigured("IDLE_LOCK_MINUTES is at least 1 and less than IDLE_SIGN_OUT_MINUTES, which is at most 60.")
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=SECURE_COOKIES)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_TLS_PROXY", default=False) else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000 if SECURE_COOKIES else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_COOKIES
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
    }
}
PERMISSIONS_POLICY = {name: [] for name in ("camera", "geolocation", "microphone", "payment", "usb")}
# Peers whose X-Forwarded-For is believed when attempts to sign in are counted.
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])

# --- Application -----------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django.forms",
    "clinic.accounts.apps.ClinicAdminConfig",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_htmx",
    "csp",
    "pgtrigger",
    "phonenumber_field",
    "heroicons",
    "clinic.core",
    "clinic.accounts",
    "clinic.audit",
    "patients",
    "scheduling",
    "pharmacy",
    "billing",
    "analytics",
    "clinic.portal",
    "clinic.fhir",
    "clinic.ops",
]

MIDDLEWARE = [
    "clinic.core.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "clinic.accounts.middleware.NoStoreMiddleware",
    "clinic.accounts.middleware.IdleMiddleware",
    "clinic.audit.middleware.RefusalMiddleware",
    "patients.middleware.BreakGlassMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "clinic.urls"
WSGI_APPLICATION = "clinic.wsgi.application"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "clinic.portal.context_processors.clinic",
            ],
        },
    }
]

# --- Stores ----------------------------------------------------------------------------

# DATABASE_URL is the address for the role that owns the tables. Everything but the commands that change them (manage.py)
# connects with DATABASE_APP_URL where it is set: a role that can neither change nor remove what is only added to.
DATABASE_APP_URL = env.str("DATABASE_APP_URL", default="")
_AS_OWNER = not DATABASE_APP_URL or env.bool("DATABASE_AS_OWNER", default=False)
DATABASES = {"default": env.db_url("DATABASE_URL" if _AS_OWNER else "DATABASE_APP_URL", default="postgresql://clinic@127.0.0.1/clinic")}
DATABASES["default"] |= {
    "ATOMIC_REQUESTS": False,  # transactions begin in services only
    "CONN_MAX_AGE": 0,
    "CONN_HEALTH_CHECKS": False,
    "OPTIONS": {
        "connect_timeout": 2,
        "options": "-c statement_timeout=5000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=30000",
    },
    "TEST": {"NAME": env.str("TEST_DATABASE_NAME", default=None)},
}
if env.bool("DATABASE_POOL", default=False):  # the web processes; a task worker keeps single connections
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 2, "max_size": env.int("DATABASE_POOL_SIZE", default=8), "timeout": 3}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
# A streaming copy, which the figures are read from; the application's role there is the same. Empty: there is none.
if env.str("DATABASE_REPLICA_URL", default=""):
    DATABASES["replica"] = env.db_url("DATABASE_REPLICA_URL") | {
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 2,
            "tcp_user_timeout": 3000,
            "options": "-c statement_timeout=5000 -c default_transaction_read_only=on",
        },
        "TEST": {"MIRROR": "default"},
    }
DATABASE_ROUTERS = ["clinic.core.replica.Router"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
REDIS_KEY_PREFIX = env.str("REDIS_KEY_PREFIX", default="")
MONGODB_URL = env.str("MONGODB_URL", default="")
MONGODB_DATABASE = env.str("MONGODB_DATABASE", default="clinic")

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": f"{REDIS_KEY_PREFIX}cache",
        "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 0.3, "SOCKET_TIMEOUT": 0.3, "IGNORE_EXCEPTIONS": True},
    }
}

CELERY_BROKER_URL = REDIS_URL
# Longer than a worker's blocking read for its next task; a web process only sends, and sets it short (clinic/wsgi.py).
BROKER_TIMEOUT_S = env.float("BROKER_TIMEOUT_S", default=5.0)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": BROKER_TIMEOUT_S,
    "socket_connect_timeout": min(BROKER_TIMEOUT_S, 1.0),
    "max_retries": 0,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 120
CELERY_TIMEZONE = TIME_ZONE

# --- People ----------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["clinic.accounts.backends.RoleBackend"]
PASSWORD_HASHERS = ["clinic.accounts.hashers.ClinicArgon2Hasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "portal:start"
LOGOUT_REDIRECT_URL = "accounts:login"
ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)
REFRESH_TOKEN_LIFETIME = timedelta(hours=12)

AUDIT_RECORDER = "clinic.audit.services.recording.record"
# Signs the audit chain; kept apart from the database. Former keys still prove what they sealed.
AUDIT_KEY = env.str("AUDIT_KEY", default="for-debugging-only-for-debugging-only" if DEBUG else "")
AUDIT_FORMER_KEYS = env.list("AUDIT_FORMER_KEYS", default=[])
if len(AUDIT_KEY) < 32 or AUDIT_KEY == SECRET_KEY:
    raise ImproperlyConfigured("AUDIT_KEY must be set to at least 32 random characters of its own; see .env.example.")
# A file, best on another machine's disk, to which the head of the chain is written as well as to MongoDB. Empty: MongoDB only.
AUDIT_ANCHOR_FILE = Path(env.str("AUDIT_ANCHOR_FILE")) if env.str("AUDIT_ANCHOR_FILE", default="") else None

# The class that takes patients' money online, see billing/providers.py; empty: nothing is paid online. The demo's takes no money.
PAYMENT_PROVIDER = env.str("PAYMENT_PROVIDER", default="billing.providers.TestProvider" if DEMO else "")
# What the provider signs its events with.
PAYMENT_WEBHOOK_SECRET = env.str("PAYMENT_WEBHOOK_SECRET", default=SECRET_KEY if DEMO else "")
if PAYMENT_PROVIDER and len(PAYMENT_WEBHOOK_SECRET) < 32:
    raise ImproperlyConfigured("PAYMENT_WEBHOOK_SECRET must be set to at least 32 characters when PAYMENT_PROVIDER is.")

# Whoever sends it as a bearer token may read /metrics. Empty: only a reader on this machine may.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# --- API -------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "clinic.accounts.authentication.BearerAuthentication",
        "clinic.accounts.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["clinic.core.api.HasActionPermission"],
    "DEFAULT_RENDERER_CLASSES": ["clinic.core.api.ORJSONRenderer", "rest_framework.renderers.BrowsableAPIRenderer"],
    "DEFAULT_PARSER_CLASSES": ["clinic.core.api.ClinicJSONParser"],
    "DEFAULT_FILTER_BACKENDS": [],
    "DEFAULT_PAGINATION_CLASS": "clinic.core.api.Pagination",
    "DEFAULT_SCHEMA_CLASS": "clinic.core.schema.ClinicSchema",
    "EXCEPTION_HANDLER": "clinic.audit.http.problem_handler",
    "DEFAULT_THROTTLE_CLASSES": [],
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Clinic API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "COMPONENT_SPLIT_REQUEST": True,
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "AppointmentStatusEnum": "scheduling.models.AppointmentStatus",
        "CallOutcomeEnum": "pharmacy.models.recall.CallOutcome",
        "CheckEnum": ["checked", "unknown"],
        "ClaimStatusEnum": "billing.models.ClaimStatus",
        "EventOutcomeEnum": "billing.models.EventOutcome",
        "InvoiceStatusEnum": "billing.models.InvoiceStatus",
        "LineKindEnum": "billing.models.LineKind",
        "MovementKindEnum": "pharmacy.models.MovementKind",
        "CounterMethodEnum": "billing.models.COUNTER_METHODS",
        "DepositMethodEnum": "billing.models.DEPOSIT_METHODS",
        "MoneyMethodEnum": "billing.models.MONEY_METHODS",
        "PaymentMethodEnum": "billing.models.PaymentMethod",
        "PatientStatusEnum": "patients.models.patient.PatientStatus",
        "PrescriptionStatusEnum": "pharmacy.models.PrescriptionStatus",
        "ShiftStatusEnum": ["open", "closed"],
        "StockTakeStateEnum": "pharmacy.models.StockTakeState",
        "BatchStateEnum": "pharmacy.models.BatchState",
        "TokenMoveEnum": "scheduling.api.schema.TOKEN_MOVES",
        "TokenStatusEnum": "scheduling.models.TokenStatus",
        "VisitStatusEnum": "patients.models.EncounterStatus",
    },
}

# Steps of completing a visit, in the order of their locks; the encounter itself is signed after them.
VISIT_COMPLETION_STEPS = [
    "scheduling.services.visits.finish_visit",
    "pharmacy.services.prescribing.sign_drafts",
]

# What the patient takes now, as the chart shows it: the apps above patients know.
CHART_MEDICATION = "pharmacy.selectors.charts.medication_of"

# --- Mail, files, words, logs ----------------------------------------------------------

vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
# Where browsers reach the clinic, for links in mail; without it mail has none.
BASE_URL = env.str("BASE_URL", default="")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="clinic@localhost")
USE_TZ = True
USE_I18N = True
LANGUAGE_CODE = "en"
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
LARGEST_UPLOAD = 33_554_432  # bytes of a whole request with files; larger ones are not even read
FILE_UPLOAD_HANDLERS = [
    "clinic.core.uploads.BoundedUpload",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "clinic.core.logs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    # Refusals are audited; only failures are logged.
    "loggers": {"django.request": {"level": "ERROR"}, "django.security": {"level": "ERROR"}},
}
