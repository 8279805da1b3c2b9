"""gunicorn: threads, since requests wait for the database; logs are the application's own."""

import os

bind = os.environ.get("BIND", "0.0.0.0:8000")
workers = int(os.environ.get("WEB_PROCESSES", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
timeout = 60
graceful_timeout = 20
max_requests = 20_000
max_requests_jitter = 2_000
# Heartbeats on disk would stall with it.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None
# Not gunicorn's: `web.served` says it, with correlation id and without the query.
accesslog = None
control_socket_disable = True
