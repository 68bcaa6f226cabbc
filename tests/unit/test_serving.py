import json
import logging
import socket
import sys

import pytest
import structlog
from gunicorn.config import Config

from chocofactory import cli, serving
from chocofactory.core.config import load_settings
from chocofactory.core.errors import ConfigurationError
from chocofactory.core.logs import configure_logs


@pytest.fixture
def _logs_restored():
    yield
    for name in ("", "gunicorn.error", "gunicorn.access"):
        logging.getLogger(name).handlers[:] = []
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("host", "port", "bind"), [("127.0.0.1", 8050, "127.0.0.1:8050"), ("::1", 80, "[::1]:80"), ("h", 1, "h:1")]
)
def test_the_address_is_that_of_the_settings(host, port, bind):
    assert serving.gunicorn_options(load_settings(host=host, port=port))["bind"] == bind


def test_one_worker_that_is_never_recycled_holds_the_scheduler():
    options = serving.gunicorn_options(load_settings(log_level="WARNING"))
    assert (options["workers"], options["max_requests"], options["worker_class"]) == (1, 0, "gthread")
    assert options["threads"] >= 4
    assert options["loglevel"] == "warning"


def test_gunicorn_knows_every_option_or_leaves_it_out():
    server = serving.Server(load_settings(port=8123))
    options = serving.gunicorn_options(load_settings(port=8123))
    known = {name: value for name, value in options.items() if name in Config().settings}
    assert {"bind", "workers", "worker_class", "threads", "timeout", "logger_class"} <= set(known)
    assert server.cfg.address == [("127.0.0.1", 8123)]
    for name in ("workers", "threads", "timeout", "graceful_timeout", "max_requests", "loglevel"):
        assert getattr(server.cfg, name) == known[name]


def test_a_free_port_is_left_free():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serving.refuse_taken_port(load_settings(port=port))
    with socket.socket() as mine:
        mine.bind(("127.0.0.1", port))


@pytest.mark.parametrize("listening", [True, False])
def test_a_taken_port_is_refused_with_the_names_of_the_settings(listening):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        if listening:
            taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"CHOCO_HOST and CHOCO_PORT: .* 127\.0\.0\.1:{port} \(.*in use"):
            serving.refuse_taken_port(load_settings(port=port))


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(ConfigurationError, match=r"192\.0\.2\.1:8050"):
        serving.refuse_taken_port(load_settings(host="192.0.2.1"))


@pytest.mark.usefixtures("_logs_restored")
def test_what_gunicorn_says_goes_through_our_pipe(capsys):
    settings = load_settings(log_level="INFO")
    configure_logs(settings)
    server = serving.Server(settings)
    said = server.cfg.logger_class(server.cfg)
    said.info("Listening at: %s", "here")
    said.debug("too quiet")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["event"] == "Listening at: here"
    assert json.loads(line)["logger"] == "gunicorn.error"


@pytest.mark.usefixtures("_logs_restored")
def test_the_application_is_built_in_the_worker_and_not_before(monkeypatch, capsys):
    built = []
    monkeypatch.setattr(serving.Server, "run", lambda server: built.append("app" in sys.modules))
    monkeypatch.setattr(serving, "refuse_taken_port", lambda settings: None)
    monkeypatch.delitem(sys.modules, "app", raising=False)
    monkeypatch.setattr(sys, "argv", ["chocofactory", "run", "--port", "8051"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    assert built == [False]
    assert "http://127.0.0.1:8051" in capsys.readouterr().err
