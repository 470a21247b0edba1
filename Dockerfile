# One image for web, worker, beat, sealer and management commands; the command chooses.
FROM python:3.13-slim-bookworm AS packages
COPY requirements-production.lock /build/
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r /build/requirements-production.lock

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin claviger \
 && install -d -o claviger -g claviger -m 0700 /var/lib/claviger
COPY --from=packages /venv /venv
WORKDIR /app
COPY . .
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    VAR_DIR=/var/lib/claviger \
    STATIC_ROOT=/srv/static
# Settings load only when complete, so the build gives values that serve nothing else.
RUN python -m compileall -q . \
 && CLAVIGER_ENV=production ORIGIN=https://build.invalid REDIS_URL=unix:///nonexistent?db=0 \
    DJANGO_SECRET_KEY=build SECRET_KEYS=build:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \
    PEPPERS=build:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \
    DATABASE_URL=postgresql://build@nonexistent/build DATABASE_RELAY_URL=postgresql://build@nonexistent/build \
    python manage.py collectstatic --noinput --verbosity 0
USER claviger
EXPOSE 8000
# Threads, because a request waits for the database; a worker for each processor by GRANIAN_WORKERS.
CMD ["granian", "--interface", "wsgi", "--http", "1", "--no-ws", "--host", "0.0.0.0", "--port", "8000", \
     "--blocking-threads", "8", "--respawn-failed-workers", "--workers-kill-timeout", "20", \
     "--log-level", "warning", "config.wsgi:application"]
