import json
import logging

import pytest
import structlog
from pydantic import SecretStr

from chocofactory.core.config import load_settings
from chocofactory.core.logs import configure_logs, get_logger, scrub


@pytest.fixture
def lines(capsys):
    def read():
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    yield read
    structlog.contextvars.clear_contextvars()
    logging.getLogger().handlers[:] = []
    structlog.reset_defaults()


def test_a_log_line_is_one_json_object_with_time_level_and_logger(lines):
    configure_logs(load_settings())
    get_logger("here").info("prices kept", rows=24)
    (line,) = lines()
    assert (line["event"], line["rows"], line["level"], line["logger"]) == ("prices kept", 24, "info", "here")
    assert line["time"].endswith("Z")


def test_request_and_run_ids_stand_on_every_line_of_other_peoples_modules_too(lines):
    configure_logs(load_settings())
    with structlog.contextvars.bound_contextvars(request_id="r1", run_id="j1"):
        logging.getLogger("other.library").warning("odd")
    (line,) = lines()
    assert (line["request_id"], line["run_id"], line["event"]) == ("r1", "j1", "odd")


@pytest.mark.parametrize(
    "text",
    [
        "GET http://x/y?appid=s3cr3t&lat=1",
        "https://x/?api_key=s3cr3t",
        "https://x/?a=1&token=s3cr3t#f",
        "http://user:s3cr3t@host/path",
        "http://user:s3cr3t@1@host/path",
        "ftp://s3cr3t@host",
        "API-KEY=s3cr3t",
    ],
)
def test_secrets_in_addresses_are_scrubbed(text):
    assert "s3cr3t" not in scrub(text)
    assert "***" in scrub(text)


def test_known_secrets_are_scrubbed_wherever_they_stand(lines):
    configure_logs(load_settings(esios_token="t0ken"))
    try:
        raise RuntimeError("refused t0ken")
    except RuntimeError:
        get_logger("x").exception("bad t0ken", nested={"headers": ["x-api-key: t0ken"]}, secret=SecretStr("zzz"))
    logging.getLogger("urllib3").error("GET /?q=%s", "t0ken")
    text = json.dumps(lines())
    assert "t0ken" not in text
    assert "zzz" not in text
    assert text.count("***") >= 5


def test_a_line_break_in_a_value_cannot_forge_a_line(lines):
    configure_logs(load_settings())
    get_logger("x").info("request", path="/\r\nERROR fake")
    assert len(lines()) == 1


def test_debug_lines_stay_out_at_level_info(lines):
    configure_logs(load_settings())
    get_logger("x").debug("noise")
    logging.getLogger("y").debug("noise")
    assert lines() == []
