"""The doctor on databases: real settings of a real PostgreSQL, and migrations that are missing or to come."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from casework.adapters.storage.database import create_engine
from launcher.doctor import databases
from launcher.doctor.findings import Examined
from launcher.doctor.run import examine
from tests.launcher.doctoring import all_well, examined, look, wrong

__all__ = ["examined"]
NAME = "waymark_tests"  # of all tests on PostgreSQL: what is set for it here is taken back


def _admin(uri: str) -> sa.Connection:
    url = sa.make_url(uri).set(drivername="postgresql+psycopg")
    return sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool).connect()


@pytest.fixture
def on_postgresql(
    examined: Examined, postgresql_url: str, test_keys: object, monkeypatch: pytest.MonkeyPatch
) -> Examined:
    monkeypatch.setenv("WAYMARK_DATABASE_URL", postgresql_url)
    monkeypatch.setenv("WAYMARK_KEYS", str(test_keys))
    return examined


@pytest.mark.parametrize(
    ("version", "said"), [("9999", "newer (9999) than this release"), ("0001", "./waymark db upgrade")]
)
def test_a_database_of_another_release_is_told(examined: Examined, version: str, said: str) -> None:
    assert all_well(examined, databases.check_migrations)
    engine = create_engine(f"sqlite:///{examined.data_dir}/waymark.db")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :v"), {"v": version})
    engine.dispose()

    assert said in wrong(examined, databases.check_migrations, "database")


def test_a_database_that_was_never_made_is_told_and_not_made(examined: Examined) -> None:
    """Red when: looking makes an empty file, which a service would then start on."""
    path = examined.data_dir / "waymark.db"
    path.unlink()

    assert "there is none" in wrong(examined, databases.check_migrations, "database")
    assert not path.exists()


def test_keys_of_another_database_are_told(examined: Examined) -> None:
    path = examined.data_dir / "keys" / "field.keys"
    path.write_text(path.read_text().replace('"1": "Z', '"1": "Y'))

    found = examine(examined, (databases.check_migrations, databases.check_alarms))

    assert [(each.what, each.is_well) for each in found] == [("keys", False)]
    assert "does not fit this database" in found[0].detail


def test_an_alarm_that_stands_is_told_with_its_page(examined: Examined) -> None:
    assert look(examined, databases.check_alarms) == {}
    engine = create_engine(f"sqlite:///{examined.data_dir}/waymark.db")
    at = "2026-11-23 12:00:00.000000"
    sound = "INSERT INTO alarm (kind, detail, since, last_at) VALUES ('rows_overdue', 'x', :at, :at)"
    with engine.begin() as connection:
        connection.execute(sa.text(sound), {"at": at})
    engine.dispose()

    assert (
        "docs/runbook/rows-overdue.md" in look(examined, databases.check_alarms)["alarm rows_overdue"].detail
    )


def test_a_server_that_forgets_what_it_committed_is_told(
    on_postgresql: Examined, postgresql_uri: str
) -> None:
    """The server of these tests runs without fsync, as a force's never may; for one moment it runs with it."""
    found = look(on_postgresql, databases.check_durability)
    assert not found["PostgreSQL: fsync"].is_well and not found["PostgreSQL: full_page_writes"].is_well
    assert found["PostgreSQL: synchronous_commit"].is_well

    with _admin(postgresql_uri) as connection:
        _set(connection, "on")
        try:
            assert all_well(on_postgresql, databases.check_durability)
            connection.exec_driver_sql(f'ALTER DATABASE "{NAME}" SET synchronous_commit = off')
            said = wrong(on_postgresql, databases.check_durability, "PostgreSQL: synchronous_commit")
            assert "a message we accepted is lost" in said
        finally:
            connection.exec_driver_sql(f'ALTER DATABASE "{NAME}" RESET synchronous_commit')
            _set(connection, "off")


def _set(connection: sa.Connection, value: str) -> None:
    for name in ("fsync", "full_page_writes"):
        connection.exec_driver_sql(f"ALTER SYSTEM SET {name} = {value}")
    connection.exec_driver_sql("SELECT pg_reload_conf()")


def test_an_encoding_without_room_for_what_people_write_is_told(
    on_postgresql: Examined, postgresql_uri: str, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert all_well(on_postgresql, databases.check_encoding)
    with _admin(postgresql_uri) as connection:
        connection.exec_driver_sql(
            "CREATE DATABASE waymark_latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
        )
        try:
            latin = sa.make_url(postgresql_url).set(database="waymark_latin")
            monkeypatch.setenv("WAYMARK_DATABASE_URL", latin.render_as_string(hide_password=False))
            said = wrong(on_postgresql, databases.check_encoding, "PostgreSQL: encoding")
        finally:
            connection.exec_driver_sql("DROP DATABASE waymark_latin WITH (FORCE)")
    assert "LATIN1" in said and "UTF8" in said


def test_too_few_connections_are_told_by_what_keeps_them_few(
    on_postgresql: Examined, postgresql_uri: str
) -> None:
    assert all(each.is_well for each in databases.check_connections(on_postgresql, wanted=1))
    with _admin(postgresql_uri) as connection:
        connection.exec_driver_sql(f'ALTER DATABASE "{NAME}" CONNECTION LIMIT 20')
        try:
            said = wrong(on_postgresql, databases.check_connections, "PostgreSQL: connections")
        finally:
            connection.exec_driver_sql(f'ALTER DATABASE "{NAME}" CONNECTION LIMIT -1')
    assert said.startswith("20 by the limit of the database")


def test_a_user_with_more_rights_than_it_needs_or_less_is_told(
    on_postgresql: Examined, postgresql_uri: str, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red when: a right on one of the tables is passed over, or the tests' own superuser is well."""
    assert "super" in wrong(on_postgresql, databases.check_rights, "PostgreSQL: rights")
    mine = sa.make_url(postgresql_url).set(username="waymark_service", password="in-a-test")
    with _admin(postgresql_url) as connection:
        connection.exec_driver_sql("CREATE ROLE waymark_service LOGIN PASSWORD 'in-a-test'")
        try:
            connection.exec_driver_sql(
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO waymark_service"
            )
            monkeypatch.setenv("WAYMARK_DATABASE_URL", mine.render_as_string(hide_password=False))
            assert all_well(on_postgresql, databases.check_rights)
            connection.exec_driver_sql("REVOKE DELETE ON inbox FROM waymark_service")
            said = wrong(on_postgresql, databases.check_rights, "PostgreSQL: rights")
        finally:
            connection.exec_driver_sql("DROP OWNED BY waymark_service")
            connection.exec_driver_sql("DROP ROLE waymark_service")
    assert "DELETE on inbox" in said


def test_a_clock_that_is_not_the_databases_is_told(on_postgresql: Examined) -> None:
    assert all_well(on_postgresql, databases.check_clock)
    late = replace(on_postgresql, now=lambda: datetime.now(UTC) + timedelta(minutes=3))

    assert "180 s apart" in wrong(late, databases.check_clock, "clock and the database's")


def test_a_server_that_is_away_is_told_and_its_password_is_not(
    examined: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYMARK_DATABASE_URL", "postgresql://waymark:a-password@127.0.0.1:1/waymark")

    found = examine(examined, (databases.check_migrations, databases.check_durability))

    assert [each.what for each in found] == ["could not look: migrations", "could not look: durability"]
    assert "a-password" not in str(found)


def test_a_check_says_the_same_twice(on_postgresql: Examined) -> None:
    """Nothing it does stays: no row, no lock, no connection."""
    see = partial(look, on_postgresql, databases.check_migrations)

    assert see() == see()
