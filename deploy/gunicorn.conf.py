"""gunicorn: threads, since requests wait for the database; logs are the application's own."""

import os
from pathlib import Path

bind = os.environ.get("BIND", "0.0.0.0:8000")
workers = int(os.environ.get("WEB_PROCESSES", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
timeout = 60
graceful_timeout = 20
max_requests = 20_000
max_requests_jitter = 2_000
# Heartbeats on disk would stall with it.
_MEMORY = Path("/dev/shm")  # noqa: S108  (memory, for nothing but the time stamps of heartbeats)
worker_tmp_dir = str(_MEMORY) if _MEMORY.is_dir() else None
# Not gunicorn's: `web.served` says it, with correlation id and without the query.
accesslog = None
control_socket_disable = True
