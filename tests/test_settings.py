"""Settings, as read from the environment."""

from __future__ import annotations

import ipaddress
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import pytest

from app.settings import Settings, SettingsError

KEY = "a key for tests alone, 32 characters and more"


@pytest.fixture
def read(tmp_path):
    """Read the settings from variables given without their prefix, and a data folder of our own."""

    def read(**variables: str) -> Settings:
        named = {"DATA_DIR": str(tmp_path / "data")} | variables
        return Settings.from_environment({f"GATEHOUSE_{k}": v for k, v in named.items()})

    return read


def test_the_defaults_serve_this_machine_alone(read):
    settings = read()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.trusted_proxies == ()
    assert settings.embedded
    assert not settings.https


def test_every_setting_is_described():
    assert all(each.metadata["doc"] for each in fields(Settings))


def test_values_are_typed(read):
    settings = read(
        PORT=" 9000 ",
        TRUSTED_PROXIES="10.0.0.0/8, 2001:db8::1",
        PUBLIC_URL="HTTPS://Gatehouse.Example.com/",
        DATABASE_URL="postgresql+psycopg://u:p@db/gatehouse",
        SECRET_KEY=KEY,
    )
    assert settings.port == 9000
    assert settings.trusted_proxies == (
        ipaddress.ip_network("10.0.0.0/8"),
        ipaddress.ip_network("2001:db8::1/128"),
    )
    assert settings.public_url == "https://gatehouse.example.com"
    assert settings.https
    assert not settings.embedded
    assert settings.resolved_database_url == "postgresql+psycopg://u:p@db/gatehouse"


def test_an_empty_variable_counts_as_none(read):
    assert read(PORT="", PUBLIC_URL=" ").public_url == "http://127.0.0.1:8000"


def test_the_public_url_follows_the_port(read):
    assert read(PORT="9000").public_url == "http://127.0.0.1:9000"


def test_the_embedded_database_lies_in_the_data_folder(read, tmp_path):
    expected = f"sqlite:///{tmp_path / 'data' / 'gatehouse.sqlite3'}"
    assert read().resolved_database_url == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "-1"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("LOG_LEVEL", "chatty"),
        ("DATABASE_URL", "gatehouse"),
        ("DATABASE_URL", "mysql://u:p@db/gatehouse"),
        ("DATABASE_URL", "postgresql://u:p@db:port/gatehouse"),
        ("THREADS", "0"),
        ("SESSION_HOURS", "1.5"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "proxy.example.com"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,"),
        ("METRICS_NETWORKS", "everywhere"),
        ("METRICS_TOKEN", "fifteen letters"),
        ("PUBLIC_URL", "gatehouse.example.com"),
        ("PUBLIC_URL", "ftp://gatehouse.example.com"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://gatehouse.example.com/path"),
        ("PUBLIC_URL", "https://gatehouse.example.com?x=1"),
        ("PUBLIC_URL", "https://gatehouse.example.com#x"),
        ("PUBLIC_URL", "https://user:password@gatehouse.example.com"),
        ("PUBLIC_URL", "https://gatehouse.example.com:99999"),
        ("PUBLIC_URL", "http://[::1"),
        ("SECRET_KEY", "short"),
    ],
)
def test_what_cannot_be_read_is_named(read, name, value):
    options = {"SECRET_KEY": KEY} | {name: value}
    with pytest.raises(SettingsError) as refusal:
        read(**options)
    words = str(refusal.value)
    assert name in words or "secret key" in words
    assert "\n" not in words


@pytest.mark.parametrize("value", ["abc", "8000.0", "-1", "0x1F"])
def test_a_number_is_asked_for_by_example(read, value):
    with pytest.raises(SettingsError) as refusal:
        read(SECRET_KEY=KEY, PORT=value)
    said = "GATEHOUSE_PORT cannot be read: it must be a whole number, such as 8000"
    assert str(refusal.value) == said


def test_no_message_and_no_repr_shows_a_secret(read):
    settings = read(SECRET_KEY=KEY, DATABASE_URL="postgresql+psycopg://u:hunter2@db/gatehouse")
    assert KEY not in repr(settings)
    assert "hunter2" not in repr(settings)
    with pytest.raises(SettingsError) as refusal:
        read(SECRET_KEY=KEY, DATABASE_URL="postgresql://db:hunter2")
    assert "hunter2" not in str(refusal.value)


def key_file(settings: Settings) -> Path:
    return settings.data_dir / "secret_key"


def test_the_secret_key_is_made_once_and_kept(read):
    first = read()
    assert len(first.secret_key) >= 32
    assert read().secret_key == first.secret_key
    assert read(PORT="9000").secret_key == first.secret_key
    assert key_file(first).stat().st_mode & 0o777 == 0o600
    assert first.data_dir.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in first.data_dir.iterdir()] == ["secret_key"]


def test_all_that_start_at_once_get_the_same_key(read):
    with ThreadPoolExecutor(16) as pool:
        keys = {settings.secret_key for settings in pool.map(lambda _: read(), range(32))}
    assert len(keys) == 1


def test_a_given_key_is_used_and_none_is_made(read):
    settings = read(SECRET_KEY=KEY)
    assert settings.secret_key == KEY
    assert not settings.data_dir.exists()


@pytest.mark.parametrize(
    "url", ["http://localhost:8000", "http://127.9.9.9", "http://[::1]:8000", "http://LOCALHOST"]
)
def test_a_key_is_made_for_a_loopback_url(read, url):
    assert read(PUBLIC_URL=url).secret_key


@pytest.mark.parametrize(
    "variables",
    [
        {"DATABASE_URL": "postgresql+psycopg://u:p@db/gatehouse"},
        {"DATABASE_URL": "sqlite:////srv/gatehouse.sqlite3"},
        {"PUBLIC_URL": "https://gatehouse.example.com"},
        {"PUBLIC_URL": "http://192.0.2.1:8000"},
        {"PUBLIC_URL": "http://127.0.0.1.example.com"},
        {"PUBLIC_URL": "http://localhost.example.com"},
        {"PUBLIC_URL": "http://0.0.0.0:8000"},
    ],
)
def test_in_production_the_key_must_be_given(read, tmp_path, variables):
    with pytest.raises(SettingsError, match="GATEHOUSE_SECRET_KEY is missing"):
        read(**variables)
    assert not (tmp_path / "data").exists()
    assert read(**variables, SECRET_KEY=KEY).secret_key == KEY


def test_no_key_is_made_where_the_data_is_there_already(read, tmp_path):
    """A server process that takes the place of another one reads it again, too."""
    (tmp_path / "gatehouse.sqlite3").touch()
    with pytest.raises(SettingsError, match="secret key is missing"):
        read(DATA_DIR=str(tmp_path))
    assert not (tmp_path / "secret_key").exists()


def test_a_key_that_the_data_was_written_with_is_to_be_kept(read, tmp_path):
    read(DATA_DIR=str(tmp_path))
    with pytest.raises(SettingsError, match="cannot be read with another one") as refused:
        read(DATA_DIR=str(tmp_path), PUBLIC_URL="https://gatehouse.example.com")
    assert str(tmp_path / "secret_key") in str(refused.value)
    assert "random" not in str(refused.value)


@pytest.mark.parametrize("kept", [b"", b"short", b"\xff" * 40])
def test_a_spoiled_key_file_is_refused(read, kept):
    key_file(read()).write_bytes(kept)
    with pytest.raises(SettingsError, match="secret key"):
        read()


def test_a_data_folder_that_cannot_be_made_is_named(read, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=str(tmp_path / "file")):
        read(DATA_DIR=str(tmp_path / "file" / "data"))
