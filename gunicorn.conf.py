"""For ``gunicorn -c gunicorn.conf.py app:server``: the same options as ``chocofactory run``."""

from chocofactory.core.config import load_settings
from chocofactory.core.errors import ConfigurationError
from chocofactory.core.logs import configure_logs
from chocofactory.serving import gunicorn_options

try:
    settings = load_settings()
    configure_logs(settings)
    globals().update(gunicorn_options(settings))
except ConfigurationError as error:
    raise SystemExit(str(error)) from error
