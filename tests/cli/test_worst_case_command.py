"""The command ``lodeline worst-case``: the contract."""

import json
import re

from lodeline.cli.main import main


def test_json_follows_the_contract_and_files_are_written(tmp_path, capfdbinary):
    folder = tmp_path / "out"
    words = "worst-case --target ita,DEU --chain rhodium --k 2 --months 2 --base-year 2023 --json"
    code = main([*words.split(), "--min-share", "0.1", "--out", str(folder)])
    document = json.loads(capfdbinary.readouterr().out)
    assert code == 0
    assert document["target"] == ["ITA", "DEU"]
    assert 1 <= len(document["restrictions"]) <= 2
    assert document["damage"] > 0.0
    assert document["bound"] == document["damage"]
    assert document["is_exact"] is True
    assert document["certificate"]["max_residual"] <= 1e-8
    assert document["left_out"]["count"] > 0
    written = json.loads((folder / "summary.json").read_text())
    assert written["restrictions"] == document["restrictions"]
    assert (folder / "worst-case.md").read_text().startswith("# Rhodium")
    assert "size,rank,restrictions,damage" in (folder / "sets.csv").read_text()


def test_text_reads_well_at_80_columns(capfdbinary):
    code = main(
        ["worst-case", "--target", "ITA", "--chain", "rhodium", "--months", "1", "--kind", "stage"]
    )
    text = capfdbinary.readouterr().out.decode()
    assert code == 0
    assert max(map(len, text.splitlines())) <= 80
    assert "Proven" in text


def test_the_next_worst_sets_name_countries(capfdbinary):
    words = "worst-case --target ITA --chain rhodium --months 1 --kind stage"
    assert main(words.split()) == 0
    below = capfdbinary.readouterr().out.decode().split("Next worst sets of that size:")[1]
    assert "Russia" in below
    assert re.search(r"\b[A-Z]{3}\b", below.split("\n\n")[0].replace("USD", "")) is None


def test_remainders_inferred_lanes_and_capped_prices_are_marked(tmp_path, capfdbinary):
    words = "worst-case --target DEU --chain gallium --k 1 --months 12 --json --out"
    assert main([*words.split(), str(tmp_path / "g")]) == 0
    document = json.loads(capfdbinary.readouterr().out)
    assert document["inferred"] == {"metal": "trade in germanium of 2006 (code 811230)"}
    assert document["outcome"]["DEU"]["is_price_capped"] is True
    assert document["outcome"]["DEU"]["is_remainder"] is False
    page = (tmp_path / "g" / "worst-case.md").read_text()
    assert "is inferred from trade in germanium" in page.split("## ")[0]
    assert "×20†" in page
    assert "† Price at the model" in page
    assert "is_price_capped" in (tmp_path / "g" / "countries.csv").read_text()
    words = "worst-case --target DEU --chain cobalt --k 1 --months 2 --out"
    assert main([*words.split(), str(tmp_path / "c")]) == 0
    text = " ".join(capfdbinary.readouterr().out.decode().split())
    assert "a remainder of two large figures" in text
    page = (tmp_path / "c" / "worst-case.md").read_text()
    assert "%‡" in page
    assert "‡ The recorded use" in page
    assert "†" not in page


def test_a_price_at_the_cap_of_an_ore_is_marked(tmp_path, capfdbinary):
    """What works pay for bauxite ends at three times its price, far below the cap of all."""
    words = "worst-case --target DEU --chain aluminium --form bauxite --k 1 --months 6 --json --out"
    assert main([*words.split(), str(tmp_path)]) == 0
    outcome = json.loads(capfdbinary.readouterr().out)["outcome"]["DEU"]
    assert 3.0 <= outcome["price_multiple_peak"] < 4.0
    assert outcome["is_price_capped"] is True
    assert "† Price at the model" in (tmp_path / "worst-case.md").read_text()


def test_a_country_that_does_not_exist_is_named(capfdbinary):
    code = main(["worst-case", "--target", "ITX", "--chain", "rhodium"])
    out = capfdbinary.readouterr()
    assert (code, out.out) == (2, b"")
    assert b"ITX" in out.err
