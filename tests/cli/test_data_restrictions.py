"""The command ``lodeline data restrictions``."""

import json

import polars as pl
import pytest

from lodeline.cli.main import main
from lodeline.data import restrictions, tables
from lodeline.scenarios.ledger import ledger


def test_everything_is_there_without_options_in_order():
    table = ledger(acts_only=False)
    assert table.height == restrictions().height
    assert table["start"].to_list() == sorted(table["start"].to_list())


def test_a_ban_on_all_hits_a_country_and_one_on_another_does_not():
    gallium = ledger(material="gallium", target="ITA")
    targets = set(gallium["target"])
    assert "ALL" in targets
    assert "USA" not in targets
    assert "USA" in set(ledger(material="gallium", target="USA")["target"])
    assert set(ledger(by="CHN")["restricting_country"]) == {"CHN"}
    # Members are hit where their group is named, and a group where a member is.
    assert "EU27" in ledger(target="DEU")["target"].str.join(";").item()


def test_what_was_measured_or_modelled_is_no_act():
    everything = ledger(acts_only=False)
    assert set(everything["kind"]) == {"act", "effect", "suspension", "model"}
    # Every name in the list of the package is a row, and rows that say so are on it.
    assert sum(everything["kind"] == "effect") == len(tables._EFFECTS)
    acts = ledger()
    words = ("same", "event study", "modelled")
    assert not [s for s in acts["severity"] if s is not None and s.startswith(words)]
    assert "suspension" not in set(acts["instrument"])
    # The ban of gallium on the United States ended; a model of a ban has no end.
    (ban,) = ledger(material="gallium", by="CHN", target="USA").filter(
        pl.col("instrument") == "ban"
    )["id"]
    assert ban == "CHN_US_BAN_2024"


def test_a_year_holds_what_was_in_force():
    then = ledger(year=2010)
    assert then.height
    assert all(row["start"] <= "2010-12-31" for row in then.to_dicts())
    assert all(row["end"] is None or row["end"] >= "2010-01-01" for row in then.to_dicts())


def test_json_has_sources_and_text_fits(capfdbinary):
    assert main(["data", "restrictions", "--material", "rare-earths", "--json"]) == 0
    rows = json.loads(capfdbinary.readouterr().out)["rows"]
    assert rows
    assert all(row["source"] and "rare_earths" in row["material"] for row in rows)
    assert main(["data", "restrictions"]) == 0
    text = capfdbinary.readouterr().out.decode()
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--material", "galium"], "Did you mean 'gallium'"), (["--by", "CHI"], "Did you mean 'CHN'"),
     (["--by", "JPN"], "Leave out an option")],
)  # fmt: skip
def test_a_wrong_word_is_named(arguments, words, capfdbinary):
    assert main(["data", "restrictions", *arguments]) == 2
    assert words in capfdbinary.readouterr().err.decode()
