"""Years without trade are null in JSON, never NaN."""

import json

from lodeline.cli.main import main


def test_a_code_that_died_has_nulls(capsys):
    assert main(["data", "quality", "--code", "811230", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert rows
