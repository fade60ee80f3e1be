"""The commands ``lodeline purchases``: the contract."""

import json

from lodeline.cli.main import main


def test_from_template_to_brief(tmp_path, capfdbinary):
    file, folder = tmp_path / "own.xlsx", tmp_path / "out"
    assert main(["purchases", "template", "--out", str(file), "--json"]) == 0
    assert json.loads(capfdbinary.readouterr().out)["columns"][0]["name"] == "material"
    words = ["purchases", "assess", str(file), "--home", "ita", "--out", str(folder), "--json"]
    assert main(words) == 0
    document = json.loads(capfdbinary.readouterr().out)
    assert document["home"] == ["ITA"]
    assert document["coverage"]["rows"] == 2
    [entry] = document["vulnerability"]
    assert entry["market"]["country"] == "CHN"
    assert 0.0 < entry["market"]["unmet_share"] <= 1.0
    page = (folder / "assessment.html").read_text(encoding="utf-8")
    assert "Article 24" in page
    assert "http" not in page.replace("https://eur-lex.europa.eu", "").replace("http-equiv", "")
    assert (folder / "map.csv").exists()
    assert json.loads((folder / "assessment.json").read_text())["file"] == "own.xlsx"


def test_text_fits_80_columns_and_supplier_names_are_escaped_in_html(tmp_path, capfdbinary):
    file, folder = tmp_path / "own.csv", tmp_path / "out"
    file.write_text(
        "material,form,supplier,supplier_country,quantity,unit,basis,year\n"
        "rhodium,metal,<script>x</script>,ZAF,1,kg,gross,2024\n"
    )
    code = main(["purchases", "assess", str(file), "--no-market", "--out", str(folder)])
    text = capfdbinary.readouterr().out.decode()
    assert code == 0
    assert max(map(len, text.splitlines())) <= 80
    assert "<script>" not in (folder / "assessment.html").read_text(encoding="utf-8")


def test_a_wrong_file_is_told_with_exit_code_2(tmp_path, capfdbinary):
    file = tmp_path / "bad.csv"
    file.write_text("material,supplier_country,quantity,unit,basis,year\nx,yy,z,t,gross,2024\n")
    assert main(["purchases", "assess", str(file)]) == 2
    out = capfdbinary.readouterr()
    assert out.out == b""
    assert out.err.count(b"row 2") == 3
    assert b"Traceback" not in out.err
