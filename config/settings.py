"""Settings. Everything that differs between installations comes from the environment.

Durations carry their unit in the name. The defaults are those of production, except that without
DATABASE_URL a SQLite file below `var/` is used, and beside it, without SECRET_KEY, a key is kept.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config import environment, logs, secret

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env = environment.Environment()

# --- Security ------------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# Plain HTTP is for one's own machine: cookies then travel unprotected. With a proxy that ends TLS
# in front, leave this off and let the proxy set X-Forwarded-Proto.
INSECURE_HTTP = env.bool("INSECURE_HTTP", False)
SECURE_SSL_REDIRECT = not INSECURE_HTTP
SESSION_COOKIE_SECURE = not INSECURE_HTTP
CSRF_COOKIE_SECURE = not INSECURE_HTTP
SECURE_HSTS_SECONDS = 0 if INSECURE_HTTP else env.int("HSTS_SECONDS", 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = not INSECURE_HTTP
SECURE_HSTS_PRELOAD = not INSECURE_HTTP
# What asks for these comes from within, and cannot be sent elsewhere.
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_REDIRECT_URL = "/"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # first: it turns away whom it has locked out
    "django.contrib.auth.backends.ModelBackend",
]

# Who fails to sign in so often, from one address and under one name, waits so long.
AXES_FAILURE_LIMIT = env.int("LOGIN_ATTEMPTS", 5)
AXES_COOLOFF_TIME = timedelta(minutes=env.float("LOGIN_PAUSE_MINUTES", 15.0))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True  # whoever has signed in is in the trail by what they do
AXES_CLIENT_IP_CALLABLE = "config.proxies.client_address"
AXES_CLIENT_STR_CALLABLE = "config.proxies.unnamed"

# How many proxies of ours a request comes through. Each appends the address that it saw to
# X-Forwarded-For; what stands before those was written by the caller, and is not believed.
PROXIES = env.int("PROXIES", 0)

# --- Applications --------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "simple_history",
    "django_q",
    "axes",
    "ninja",
    "audit",
    "workflow",
    "workflow.examples.declarations",
]

# Apps of one's own, by dotted path; `manage.py start_workflow` begins one.
INSTALLED_APPS += env.list("APPS", default=[])

MIDDLEWARE = [
    "config.correlation.Correlated",
    "django.middleware.security.SecurityMiddleware",
    "config.security.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "config.probes.Common",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

# Signing in by OpenID Connect, if a client id is given (`pip install escapement[oidc]`).
OIDC_RP_CLIENT_ID = env.str("OIDC_CLIENT_ID", "")
if OIDC_RP_CLIENT_ID:
    OIDC_RP_CLIENT_SECRET = env.str("OIDC_CLIENT_SECRET")
    OIDC_OP_AUTHORIZATION_ENDPOINT = env.str("OIDC_AUTHORIZATION_URL")
    OIDC_OP_TOKEN_ENDPOINT = env.str("OIDC_TOKEN_URL")
    OIDC_OP_USER_ENDPOINT = env.str("OIDC_USER_URL")
    OIDC_OP_JWKS_ENDPOINT = env.str("OIDC_KEYS_URL")
    OIDC_RP_SIGN_ALGO = env.str("OIDC_ALGORITHM", "RS256")
    OIDC_VERIFY_KID = env.bool("OIDC_KEY_IDS", True)
    OIDC_CREATE_USER = env.bool("OIDC_CREATE_USERS", False)
    LOGIN_REDIRECT_URL_FAILURE = "/accounts/login/"
    INSTALLED_APPS.append("mozilla_django_oidc")
    AUTHENTICATION_BACKENDS.append("config.oidc.VerifiedEmail")

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

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
            ]
        },
    }
]

# --- Database ------------------------------------------------------------------------------------

LEASE_SECONDS = env.float("LEASE_SECONDS", 30.0)

# A host that is cut off inside its transaction leaves its locks with the server, which would keep
# them until TCP gives up, two hours by default; nobody could take over what is locked meanwhile.
_LOCKED_AT_MOST = max(15.0, 2 * LEASE_SECONDS)

_VENDOR_OPTIONS: dict[str, dict[str, Any]] = {
    # IMMEDIATE takes the write lock at BEGIN, so that two writers wait for each other rather than
    # fail halfway; FULL makes a commit survive a power cut, which an audit trail has to. Each row
    # that triggers guard is written with a journal of the pages that it changes, to be taken back
    # alone: in memory, that takes a third less. (Under a savepoint it is kept until that ends, and
    # after thousands of rows it takes longer than in a file. What is sorted is in memory too: to
    # make an index of a million ids takes 75 MB.)
    "django.db.backends.sqlite3": {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY"
        ),
    },
    "django.db.backends.postgresql": {
        "options": f"-c idle_in_transaction_session_timeout={_LOCKED_AT_MOST * 1000:.0f}",
        # And this side notices within half a minute that the server's is gone.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 4,
        "tcp_user_timeout": 30_000,
        # The engine's own statements are planned once. Not through a pooler that hands each
        # transaction to another session, unless it keeps track of prepared statements.
        "prepare_threshold": 5 if env.bool("DATABASE_PREPARES", True) else None,
    },
    "mssql": {"python_driver": "mssql_python"},
}

VAR_DIR.mkdir(exist_ok=True)
DATABASES = {
    "default": {
        **env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'escapement.sqlite3'}"),
        # A new connection for each task costs more than the task; a check costs 0.1 s once.
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }
}
_engine = DATABASES["default"]["ENGINE"]
DATABASES["default"]["OPTIONS"] = {
    **_VENDOR_OPTIONS.get(_engine, {}),
    **DATABASES["default"].get("OPTIONS", {}),
}
if _engine == "mssql":
    DATABASES["default"]["TIME_ZONE"] = "UTC"

if not SECRET_KEY:
    if _engine != "django.db.backends.sqlite3" and not INSECURE_HTTP:
        # Several hosts may share a server, and each would keep a key of its own.
        raise ImproperlyConfigured(
            "SECRET_KEY is not set: with a database server, every host needs the same one. Make it"
            " once, with: python -c 'import secrets; print(secrets.token_urlsafe(50))'"
        )
    SECRET_KEY = secret.kept_in(VAR_DIR / "secret_key")

DATABASE_CONNECTION_POOLING = False  # SQL Server's driver pool breaks in forked workers
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SIMPLE_HISTORY_DATE_INDEX = False  # rows are looked for by their object, and are few for each

# --- Work ----------------------------------------------------------------------------------------

WORKERS = env.int("WORKERS", 3)

ESCAPEMENT = {
    # How long a claim holds without renewal: what a dead worker held waits this long at most.
    "LEASE_SECONDS": LEASE_SECONDS,
    # How long after its durable intent a downstream call may begin.
    "SEND_WINDOW_SECONDS": env.float("SEND_WINDOW_SECONDS", 5.0),
    # Most downstream calls that one worker makes at a time.
    "CALLS_PER_WORKER": env.int("CALLS_PER_WORKER", 200),
    # Most envelopes that are claimed and committed together.
    "BATCH_SIZE": env.int("BATCH_SIZE", 200),
    # Largest payload of a request, as JSON.
    "PAYLOAD_LIMIT_BYTES": env.int("PAYLOAD_LIMIT_BYTES", 65_536),
    # How long a cluster that was told to stop may finish what it has begun.
    "DRAIN_SECONDS": env.float("DRAIN_SECONDS", 30.0),
    # Ask downstreams before a call is first sent: for the time after a backup was restored.
    "ASK_FIRST": env.bool("ASK_FIRST", False),
    # What a scraper of /metrics must send; empty: only this machine may ask.
    "METRICS_TOKEN": env.str("METRICS_TOKEN", ""),
    # Where spans are sent to, by OTLP over HTTP; empty: nowhere (`pip install escapement[otel]`).
    "TRACES_TO": env.str("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
    # Where a backfill brings a source's events together, on disk; a cache, deleted at the end.
    "BACKFILL_DIR": env.str("BACKFILL_DIR", str(VAR_DIR / "backfill")),
    # Functions, by dotted path, that ordinary django-q2 tasks and schedules may run.
    "TASKS": env.list("TASKS", default=[]),
}

# Where the example's downstreams are; `simulate_downstreams` listens there.
DECLARATIONS_DOWNSTREAM_URL = env.str("DOWNSTREAM_URL", "http://127.0.0.1:8765")

# Where mail goes, such as smtp+tls://user:password@host:587 or filemail:////folder. A server that
# is not there loses nothing: what was to be mailed waits.
EMAIL = env.email_url("EMAIL_URL", "smtp://localhost:25")
EMAIL_BACKEND = EMAIL["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = EMAIL["EMAIL_HOST"], EMAIL["EMAIL_PORT"]
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = EMAIL["EMAIL_HOST_USER"], EMAIL["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS, EMAIL_USE_SSL = EMAIL.get("EMAIL_USE_TLS", False), EMAIL.get("EMAIL_USE_SSL", False)
EMAIL_FILE_PATH = EMAIL["EMAIL_FILE_PATH"]
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "escapement@localhost")

Q_CLUSTER = {
    "name": "escapement",
    "label": "Escapement",
    "orm": "default",  # must be the alias of the domain tables; checked at start
    "broker_class": "workflow.worker.broker.EnvelopeBroker",
    "workers": WORKERS,
    "queue_limit": WORKERS,  # one wake-up a worker
    "bulk": 1,
    "save_limit": -1,  # result rows would halve the throughput, and nobody reads them
    "poll": 0.2,
    "timeout": 600,
    "retry": 660,
    "recycle": 10_000,
    "catch_up": False,
    "ack_failures": True,
    "max_attempts": 1,
}

# --- Evidence ------------------------------------------------------------------------------------

AUDIT = {
    # The private key that seals are signed with: PEM or base64, or a file that holds it. Only
    # where `audit_seal` runs.
    "SEAL_KEY": env.str("SEAL_KEY", "", multiline=True),
    "SEAL_KEY_FILE": env.str("SEAL_KEY_FILE", ""),
    # Public keys to trust, whatever the database lists.
    "TRUSTED_KEYS": env.list("SEAL_TRUSTED_KEYS", default=[]),
    # Where seals are written to outside the database.
    "ANCHORS": env.list("SEAL_ANCHORS", default=[]),
    # What entries keep only a digest of, so that it can be erased: actor, reason, evidence keys.
    "PERSONAL": env.list("AUDIT_PERSONAL", default=[]),
}

# --- The rest ------------------------------------------------------------------------------------

USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", "UTC")

# The trail, the logs and what commands print are in English, whoever looks. Pages, and the
# sentences of the API, follow the reader: a choice on the page, else their browser.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("nl", "Nederlands")]
LOCALE_PATHS = [BASE_DIR / "locale"]

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # WhiteNoise warns at every start while it is not there
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.static.Collected"},
}
# Without a collected copy, as in tests and on one's own machine, serve from the apps themselves.
WHITENOISE_USE_FINDERS = DEBUG or not (STATIC_ROOT / "staticfiles.json").exists()

LOG_LEVEL = env.str("LOG_LEVEL", "INFO")
LOG_FORMAT = env.str("LOG_FORMAT", "console" if DEBUG else "json")
LOGGING = logs.configuration(level=LOG_LEVEL, form=LOG_FORMAT)
LOGGING_CONFIG = "config.logs.configure"
