# One image for web and workers. Build with --build-arg EXTRA=mssql for SQL Server's driver.
FROM python:3.13-slim AS build
ARG EXTRA=base
WORKDIR /app
COPY requirements/ requirements/
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements/base.txt \
 && if [ "$EXTRA" != base ]; then \
      /venv/bin/pip install --no-cache-dir --require-hashes --no-deps -r "requirements/$EXTRA.txt"; \
    fi

FROM python:3.13-slim
ARG EXTRA=base
# What SQL Server's driver is linked against.
RUN if [ "$EXTRA" = mssql ]; then \
      apt-get update \
   && apt-get install -y --no-install-recommends libodbc2 libltdl7 libkrb5-3 libgssapi-krb5-2 \
   && rm -rf /var/lib/apt/lists/*; \
    fi \
 && useradd --system --create-home --home-dir /app --shell /usr/sbin/nologin escapement
WORKDIR /app
COPY --from=build /venv /venv
COPY manage.py ./
COPY config/ config/
COPY audit/ audit/
COPY workflow/ workflow/
COPY templates/ templates/
COPY locale/ locale/
COPY deploy/ deploy/
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 BIND=0.0.0.0:8000
# Static files are collected once, into the image; the key is for this command alone.
RUN mkdir var && SECRET_KEY=build python manage.py collectstatic --noinput \
 && chown -R escapement: var
USER escapement
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/ready', timeout=4)"]
CMD ["gunicorn", "config.wsgi", "--config", "deploy/gunicorn.conf.py"]

