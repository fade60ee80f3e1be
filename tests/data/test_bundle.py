"""The dataset says when it is not intact."""

import json
import shutil

import pytest

from lodeline import data
from lodeline.data import bundle
from lodeline.errors import DataError


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """Return a copy of the small bundled files that the package now reads."""
    source = bundle.bundle_folder()
    document = json.loads((source / "manifest.json").read_text(encoding="utf-8"))
    document["tables"] = [t for t in document["tables"] if t["bytes"] < 100_000]
    for table in document["tables"]:
        shutil.copy(source / table["file"], tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps(document), encoding="utf-8")
    monkeypatch.setattr(bundle, "bundle_folder", lambda: tmp_path)
    return tmp_path


def test_the_shipped_dataset_is_intact():
    assert data.verify() == []


def test_the_identity_is_that_of_the_manifest():
    identity = data.dataset_identity()
    assert identity["edition"] == data.info()["edition"]
    assert len(identity["sha256"]) == 64


def test_every_table_names_source_licence_and_steps():
    for table in data.info()["tables"]:
        for key in ("title", "source", "edition", "licence", "attribution", "url", "unit"):
            assert table[key], (table["name"], key)
        assert table["steps"]
        assert table["columns"]


def test_the_dataset_stays_small():
    assert sum(table["bytes"] for table in data.info()["tables"]) < 11e6


def test_a_changed_byte_is_found(copy):
    path = copy / "governance.parquet"
    payload = bytearray(path.read_bytes())
    payload[len(payload) // 2] ^= 1
    path.write_bytes(payload)
    (finding,) = data.verify()
    assert finding.file == "governance.parquet"
    assert finding.expected != finding.actual


def test_an_absent_file_is_found(copy):
    (copy / "products.parquet").unlink()
    (finding,) = data.verify()
    assert finding.actual is None


def test_a_truncated_table_is_one_clear_message(copy):
    path = copy / "governance.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"governance\.parquet.*Reinstall"):
        data.governance()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"tables": 3}', '{"tables": [{}]}'])
def test_a_damaged_manifest_is_one_clear_message(copy, text):
    (copy / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="manifest"):
        data.verify()


def test_an_absent_manifest_is_one_clear_message(copy):
    (copy / "manifest.json").unlink()
    with pytest.raises(DataError, match="manifest"):
        data.verify()
