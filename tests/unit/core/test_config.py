import pytest

from chocofactory.core.config import Settings, as_environment, load_settings
from chocofactory.core.errors import ConfigurationError


def test_defaults_are_loopback_and_live():
    settings = load_settings()
    assert (settings.host, settings.port, settings.mode) == ("127.0.0.1", 8050, "live")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CHOCO_PORT", "99999"),
        ("CHOCO_PORT", "http"),
        ("CHOCO_MODE", "test"),
        ("CHOCO_LOCALE", "fr"),
        ("CHOCO_TARIFF", "2.1A"),
        ("CHOCO_REE_URL", "ftp://ree"),
        ("CHOCO_HTTP_ATTEMPTS", "0"),
        ("CHOCO_CLOCK_START", "2025-12-01T09:00"),
        ("CHOCO_PLANT_FILE", "/nowhere/plant.toml"),
        ("CHOCO_LOG_LEVEL", "LOUD"),
    ],
)
def test_a_wrong_value_stops_the_start_with_a_sentence_that_names_the_variable(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    text = str(caught.value)
    assert text.startswith(f"{variable}: ")
    assert value in text
    assert text.endswith(".")
    assert "\n" not in text


def test_every_wrong_value_is_named_at_once(monkeypatch):
    monkeypatch.setenv("CHOCO_PORT", "x")
    monkeypatch.setenv("CHOCO_LOCALE", "fr")
    with pytest.raises(ConfigurationError, match=r"CHOCO_PORT.*CHOCO_LOCALE"):
        load_settings()


def test_a_misspelt_variable_is_refused_with_the_likely_one(monkeypatch):
    monkeypatch.setenv("CHOCO_PROT", "1")
    with pytest.raises(ConfigurationError, match=r"CHOCO_PROT is not a setting; did you mean CHOCO_PORT\?"):
        load_settings()


def test_a_misspelt_variable_in_the_env_file_is_refused_too(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("CHOCO_ZZZ=1\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="CHOCO_ZZZ is not a setting"):
        load_settings()


def test_overrides_come_before_the_environment_and_that_before_the_file(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("CHOCO_PORT=1111\nCHOCO_HOST=0.0.0.0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHOCO_PORT", "2222")
    assert load_settings().port == 2222
    assert load_settings(port=3333).port == 3333
    assert load_settings().host == "0.0.0.0"  # noqa: S104


def test_a_wrong_secret_is_never_shown(monkeypatch):
    monkeypatch.setenv("CHOCO_ESIOS_TOKEN", "very-secret")
    settings = load_settings()
    assert "very-secret" not in repr(settings)
    assert "very-secret" not in str(settings.model_dump(mode="json"))


@pytest.mark.parametrize("value", ["ftp://me:pass-word@ree", "http://me:pass-word@ree:x"])  # pragma: allowlist secret
def test_credentials_in_a_wrong_address_are_never_shown(monkeypatch, value):
    monkeypatch.setenv("CHOCO_REE_URL", value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert "pass-word" not in str(caught.value)


def test_a_reason_keeps_its_acronyms(monkeypatch):
    monkeypatch.setenv("CHOCO_REE_URL", "ftp://ree")
    with pytest.raises(ConfigurationError, match="CHOCO_REE_URL: URL scheme should be"):
        load_settings()
    monkeypatch.setenv("CHOCO_REE_URL", "http://ree")
    monkeypatch.setenv("CHOCO_PORT", "x")
    with pytest.raises(ConfigurationError, match="CHOCO_PORT: input should be"):
        load_settings()


def test_a_plant_file_that_cannot_be_read_is_named_once(monkeypatch, tmp_path):
    monkeypatch.setenv("CHOCO_PLANT_FILE", str(tmp_path / "plant.toml"))
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert str(caught.value).count("plant.toml") == 1
    assert "cannot be read (No such file or directory)" in str(caught.value)


def test_settings_survive_the_way_through_the_environment(monkeypatch, tmp_path):
    plant = tmp_path / "plant.toml"
    plant.write_text("[plant]\nname = 'x'\n")
    settings = load_settings(
        port=9000, esios_token="abc", clock_start="2025-12-01T09:00:00+01:00", plant_file=plant, mode="demo"
    )
    for name, value in as_environment(settings).items():
        monkeypatch.setenv(name, value)
    assert load_settings() == settings


def test_every_field_says_what_it_is():
    assert all(field.description for field in Settings.model_fields.values())


def test_base_addresses_lose_their_slash():
    assert load_settings(ree_url="http://127.0.0.1:1/x/").ree_url == "http://127.0.0.1:1/x"


def test_each_mode_has_its_own_folder():
    assert load_settings(mode="demo").mode_dir != load_settings().mode_dir
