# Everything comes as a wheel: no compiler and no system library is needed.
FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
RUN python -m venv /venv
COPY requirements.txt .
RUN /venv/bin/pip install --quiet --only-binary :all: -r requirements.txt
COPY . .
# The key only lets the settings be read; it signs nothing and stays in this stage.
RUN SECRET_KEY=only-to-collect-static-files-in-this-build-stage STATIC_ROOT=/static \
    AUDIT_KEY=also-only-to-collect-static-files-in-this-stage \
    /venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
    && /venv/bin/python -m compileall -q /app

FROM python:3.11-slim
# A new volume takes its owner from the folder that it is mounted over.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin clinic \
    && install --directory --owner clinic --mode 0700 /var/lib/clinic
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 STATIC_ROOT=/static
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /static /static
COPY --from=build /app /app
USER clinic
EXPOSE 8000
# Blocking threads match DATABASE_POOL_SIZE: a request waits for a thread, never for a connection.
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", \
     "--blocking-threads", "8", "--no-ws", "--respawn-failed-workers", "--workers-kill-timeout", "30", \
     "clinic.wsgi:application"]
