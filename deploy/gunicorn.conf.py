"""gunicorn: threads, since requests wait for the database; logs are the application's own."""

from config.environment import Environment

env = Environment()
bind = env.str("BIND", "127.0.0.1:8000")
workers = env.int("WEB_PROCESSES", 2)
threads = env.int("WEB_THREADS", 8)
timeout = 60
graceful_timeout = 20
max_requests = 20_000
max_requests_jitter = 2_000
# Not gunicorn's: `web.served` says it, with correlation id and without the query.
accesslog = None
logger_class = "config.weblog.Lines"
control_socket_disable = True
