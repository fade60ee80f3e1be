"""A run goes on only with the code that began it."""

import pytest
from plan_cases import small_case

from lodeline.errors import InputError
from lodeline.results import manifest
from lodeline.studies.plan import folder as folders


def test_what_other_source_code_evaluated_is_refused(tmp_path, monkeypatch):
    case = small_case(tmp_path)
    folders.check_folder(tmp_path / "out", case, 0, resume=False)
    folders.check_folder(tmp_path / "out", case, 0, resume=True)
    monkeypatch.setattr(folders, "sources", lambda: "other")
    with pytest.raises(InputError, match="other source code of Lodeline evaluated it"):
        folders.check_folder(tmp_path / "out", case, 0, resume=True)


def test_the_checksum_moves_with_the_solver_and_not_with_the_report(tmp_path, monkeypatch):
    for part in ("solver", "report"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "one.py").write_text("x = 1\n")
    (tmp_path / "__init__.py").write_text("")
    monkeypatch.setattr(manifest.lodeline, "__file__", str(tmp_path / "__init__.py"))
    found = []
    for part in ("", "report", "solver"):
        if part:
            (tmp_path / part / "one.py").write_text("x = 2\n")
        manifest.sources.cache_clear()
        found.append(manifest.sources())
    manifest.sources.cache_clear()
    assert found[0] == found[1] != found[2]
