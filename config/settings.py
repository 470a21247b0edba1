"""Settings, read from the environment once. Bad values fail at start with the variable's name.

`CLAVIGER_ENV` is `production` unless said otherwise, so that a forgotten variable fails closed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONCE

from config import env, logs
from config.databases import database

BASE_DIR = Path(__file__).resolve().parent.parent
ENVIRONMENT = env.choice("CLAVIGER_ENV", ["development", "test", "production"], "production")
DEVELOPMENT = ENVIRONMENT == "development"
TESTING = ENVIRONMENT == "test"
PRODUCTION = ENVIRONMENT == "production"
DEBUG = False
VERSION = "0.1.0"

# --- secrets -----------------------------------------------------------------------------------------
SECRET_KEY = env.text("DJANGO_SECRET_KEY")
SECRET_KEYS = list(env.keyring("SECRET_KEYS").items())  # first seals, all open
PEPPERS = list(env.keyring("PEPPERS").items())  # first digests, all verify
METRICS_TOKEN = env.text("METRICS_TOKEN", "")  # unset: /metrics answers 404
VAR_DIR = Path(env.text("VAR_DIR", str(BASE_DIR / "var")))

# --- addresses ---------------------------------------------------------------------------------------
ORIGIN = env.url("ORIGIN", schemes=["http", "https"])  # every link, issuer and mail starts with it
HOST = urlsplit(ORIGIN).hostname or ""
NETLOC = urlsplit(ORIGIN).netloc
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", [HOST])
SECURE = ORIGIN.startswith("https://")
OUTBOUND_ALLOW = env.list("OUTBOUND_ALLOW", [])  # exact host:port, for operators only
OUTBOUND_ALLOW_FILE = VAR_DIR / "outbound-allow" if DEVELOPMENT else None
# Who answers for the domain name system (organizations.resolver); the one for development reads a file first.
DOMAIN_RESOLVER = f"organizations.resolver.{'Dns' if PRODUCTION else 'Told'}Resolver"
DOMAIN_ANSWERS_FILE = VAR_DIR / "domain-answers.json" if DEVELOPMENT else None
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0, least=0)  # how many proxies append to X-Forwarded-For
# Client certificates (RFC 8705) come from a proxy: the header that carries them, the networks that it calls
# from, and the header that says SUCCESS where it checked the chain. Unset: no certificate is taken.
CLIENT_CERTIFICATE_HEADER = env.text("CLIENT_CERTIFICATE_HEADER", "")
CLIENT_CERTIFICATE_PROXIES = env.networks("CLIENT_CERTIFICATE_PROXIES", [])
CLIENT_CERTIFICATE_VERIFIED_HEADER = env.text("CLIENT_CERTIFICATE_VERIFIED_HEADER", "")
# Where that proxy asks for certificates on a host of their own: the machine endpoints are named there too.
MTLS_ORIGIN = env.text("MTLS_ORIGIN", "") and env.url("MTLS_ORIGIN", schemes=["https"])
MTLS_NETLOC = urlsplit(MTLS_ORIGIN).netloc
if MTLS_ORIGIN:
    ALLOWED_HOSTS.append(urlsplit(MTLS_ORIGIN).hostname or "")
USE_X_FORWARDED_HOST = False

# --- applications ------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_otp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "oauth.toolkit.ToolkitConfig",
    "core",
    "events",
    "identity",
    "tenants",
    "mail",
    "organizations",
    "roles",
    "invitations",
    "federation",
    "apikeys",
    "oauth",
    "audit",
    "webhooks",
    "signin",
    "portal",
    "dashboard",
    "config.apps.ConfigConfig",
]
AUTH_USER_MODEL = "identity.Account"
# Each of its six models is swapped for one of ours, so its own migrations make nothing but states to render.
MIGRATION_MODULES: dict[str, str | None] = {"oauth2_provider": None}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False

# What people's requests pass; those of programs go past most of it (core.machines).
MIDDLEWARE = [
    "core.middleware.RequestContextMiddleware",
    "core.middleware.TransportMiddleware",
    "core.middleware.ProblemMiddleware",
    "core.middleware.SecurityHeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.content_policy.PagePolicyMiddleware",
    "core.languages.LanguageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "core.middleware.CsrfMiddleware",
    "core.middleware.OnlyFormsMiddleware",
]

# Ports of core.ports, bound here because only composition may know both sides.
PORTS = {
    "authority": "roles.authority.require",
    "principals": "config.principals.resolve",
    "mail": "mail.services.send",
    "jobs": "core.jobs.enqueue",
    "browsers": "oauth.clients.origins_at",
    "dialects": "oauth.catalogue.dialect_at",
}
# Resolvers asked in this order for a request's credential.
PRINCIPAL_RESOLVERS = ["apikeys.principals.resolve", "oauth.principals.resolve"]

# --- databases: one database, four roles sign in (core.rls) ----------------------------------------------------
DATABASES: dict[str, dict[str, Any]] = {
    "default": database("DATABASE_URL", pool=env.int("DATABASE_POOL", 10, least=1)),
    "relay": database("DATABASE_RELAY_URL", pool=4),
}
for alias, variable in (("owner", "DATABASE_OWNER_URL"), ("backup", "DATABASE_BACKUP_URL")):
    if env.text(variable, ""):
        DATABASES[alias] = database(variable)
# Plans are kept for each connection; a pooler that hands connections from transaction to transaction loses them.
DATABASE_PREPARES = env.bool("DATABASE_PREPARES", True)
DATABASE_ROUTERS = ["core.scope.ScopeRouter"]
EVENT_RETENTION_MONTHS = env.int("EVENT_RETENTION_MONTHS", 0, least=0)  # 0 keeps the audit log for ever
REDIS_URL = env.url("REDIS_URL", schemes=["redis", "rediss", "unix"])
LIVECACHE_POLL = not TESTING  # a test process is alone and forgets by itself

# --- Celery: a nudge only; what is promised is a row (core.jobs) ----------------------------------------
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ALWAYS_EAGER = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 2, "socket_connect_timeout": 2, "max_retries": 1}
CELERY_BEAT_SCHEDULE = {
    "sweep-jobs": {"task": "core.run_jobs", "schedule": 15.0},
    "sweep-deliveries": {"task": "webhooks.deliver", "schedule": 5.0},
    "sweep-logouts": {"task": "oauth.deliver_logouts", "schedule": 5.0},
    "housekeeping": {"task": "core.housekeeping", "schedule": 300.0},
}

# --- passwords, sessions -------------------------------------------------------------------------------
PASSWORD_HASHERS = [f"core.passwords.{'FastArgon2idHasher' if TESTING else 'Argon2idHasher'}"]
AUTHENTICATION_BACKENDS: list[str] = []
COOKIE_PREFIX = "__Host-" if SECURE else ""
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SECURE = SECURE
CSRF_COOKIE_SAMESITE = "Lax"
MESSAGE_STORAGE = "core.pages.MessageCookies"
SESSION_COOKIE_SECURE = SECURE  # the messages cookie follows these; there are no Django sessions
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "core.pages.csrf_failure"

# --- pages ---------------------------------------------------------------------------------------------
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["django.template.loaders.filesystem.Loader"],
                )
            ],
            "context_processors": [
                "django.template.context_processors.csrf",
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.messages.context_processors.messages",
                "core.pages.context",
                "dashboard.surroundings.context",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static", "core.templatetags.ui"],
        },
    }
]
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", "/srv/static")) if PRODUCTION else None  # collected in images only
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = DEVELOPMENT
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if PRODUCTION
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 31_536_000
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'", NONCE],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "no-referrer"
SECURE_HSTS_SECONDS = 63_072_000 if SECURE else 0

# --- OAuth: the six models of django-oauth-toolkit are ours from the first migration --------------------
OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth.Application"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "oauth.AccessToken"
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "oauth.RefreshToken"
OAUTH2_PROVIDER_GRANT_MODEL = "oauth.Grant"
OAUTH2_PROVIDER_ID_TOKEN_MODEL = "oauth.IDToken"
OAUTH2_PROVIDER_DEVICE_GRANT_MODEL = "oauth.DeviceGrant"
# Only the toolkit's request validation runs; every gate stands as our own endpoints behave (RFC 9700).
OAUTH2_PROVIDER: dict[str, Any] = {
    "OAUTH2_VALIDATOR_CLASS": "oauth.validator.Validator",
    "PKCE_REQUIRED": True,
    "OIDC_ENABLED": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_SCHEME": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_MATCHING": True,
    "COMPLIANT_BCP_RFC9700_PKCE_REQUIRED": True,
}
# Above oauth in the order of imports, so bound by name: signed_in(), begin(), sign_out().
SIGNIN_BRIDGE = "signin.bridge"

# --- API -----------------------------------------------------------------------------------------------
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
API_MAX_BODY = 256 * 1024
API_MAX_DEPTH = 20
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["core.api.rendering.JsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsing.JsonParser"],
    "DEFAULT_SCHEMA_CLASS": "core.api.schema.OperationSchema",
    "EXCEPTION_HANDLER": "core.api.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,  # the Accept header alone says what the caller reads
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Claviger API",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SCHEMA_PATH_PREFIX": "/v1",
    "ENUM_NAME_OVERRIDES": {
        "FactorEnum": "identity.assurance.DEMANDS",
        "FindingEnum": "organizations.domain_shapes.FINDINGS",
        "RiskActionEnum": "tenants.policy.RISK_ACTIONS",
        "ChallengeEnum": "tenants.policy.CHALLENGE_TIMES",
    },
}
API_VERSION = "2026-11-22"

# --- mail ----------------------------------------------------------------------------------------------
EMAIL_BACKEND = env.text(
    "EMAIL_BACKEND",
    "django.core.mail.backends.smtp.EmailBackend" if PRODUCTION else "mail.mailbox.MailboxBackend",
)
EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.int("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", False)
EMAIL_TIMEOUT = 10
# Short messages leave by this class (mail.texts.Sender); nothing set in production: phone codes are refused.
TEXT_SENDER = env.text("TEXT_SENDER", "" if PRODUCTION else "mail.texts.ConsoleSender")
# Where people sign in from: a file in MaxMind's format. Unset: places are not known, and nothing is asked of them.
GEOIP_DATABASE = env.text("GEOIP_DATABASE", "")
DISPOSABLE_DOMAINS = env.text(
    "DISPOSABLE_DOMAINS", ""
)  # a file of further throw-away mail domains, one a line
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", f"Claviger <no-reply@{HOST}>")

LOGGING = logs.configuration(ENVIRONMENT)
ACCESS_LOG = env.bool("ACCESS_LOG", not TESTING)  # a line for each request, on standard output
# Django looks for its own classes; ours do the same for people and programs alike: HSTS, nosniff, referrers,
# framing (SecurityHeadersMiddleware, TransportMiddleware) and tokens of forms (CsrfMiddleware).
SILENCED_SYSTEM_CHECKS = ["security.W001", "security.W002", "security.W003"]
