"""The six dimensions of governance come from the user's own file, in the publisher's two shapes."""

import zipfile

import openpyxl
import pytest

from lodeline import data
from lodeline.errors import DataError, InputError, SpecError

DIMENSIONS = ("va", "pv", "ge", "rq", "rl", "cc")
LONG = "countryname,code,year,indicator,estimate,stddev\n" + "".join(
    f"Japan,JPN,2022,{d},{0.1 * i},0.2\nAndorra,ADO,2022,{d},..,0.2\n"
    for i, d in enumerate(DIMENSIONS)
)
WIDE = "Country Name,Country Code,Indicator Name,Indicator Code,2021,2022 [YR2022]\n" + "".join(
    f"Japan,JPN,x,{d.upper()}.EST,,{0.1 * i}\nJapan,JPN,x,{d.upper()}.PER.RNK,1,88\n"
    for i, d in enumerate(DIMENSIONS)
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    place = tmp_path / "own"
    monkeypatch.setenv("LODELINE_DATA", str(place))
    return place


def written(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_nothing_imported_is_none():
    assert data.governance_dimensions() is None


@pytest.mark.parametrize("text", [LONG, WIDE], ids=["long", "wide"])
def test_both_shapes_give_one_table(tmp_path, text):
    done = data.import_governance(written(tmp_path, "wgi.csv", text))
    assert (done["rows"], done["countries"]) == (6, 1)
    table = data.governance_dimensions()
    assert table.columns == ["country", "year", "dimension", "estimate"]
    assert dict(table.select("dimension", "estimate").rows()) == pytest.approx(
        {d: 0.1 * i for i, d in enumerate(DIMENSIONS)}
    )


def test_a_workbook_and_a_zip_are_read(tmp_path):
    book = openpyxl.Workbook()
    for line in LONG.splitlines():
        book.active.append(line.split(","))
    book.save(tmp_path / "wgi.xlsx")
    assert data.import_governance(tmp_path / "wgi.xlsx")["rows"] == 6
    with zipfile.ZipFile(tmp_path / "wgi.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
        archive.writestr("WGICSV.csv", WIDE)
    assert data.import_governance(tmp_path / "wgi.zip")["rows"] == 6


def test_the_import_is_part_of_the_dataset_s_identity(tmp_path):
    before = data.dataset_identity()
    data.import_governance(written(tmp_path, "wgi.csv", LONG))
    after = data.dataset_identity()
    assert before["sha256"] != after["sha256"]
    assert after["edition"].endswith("with governance_dimensions")
    assert [t["name"] for t in data.info()["tables"]][-1] == "governance_dimensions"


def test_all_wrong_cells_are_listed_at_once(tmp_path):
    text = LONG.replace("pv,0.1,", "pv,high,").replace("cc,0.5,", "cc,88,")
    with pytest.raises(SpecError) as caught:
        data.import_governance(written(tmp_path, "wgi.csv", text))
    assert [p.place for p in caught.value.problems] == [
        "row 4, column estimate",
        "row 12, column estimate",
    ]
    assert "percentile" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "x,y\n1,2\n", "column names"),
        ("b.csv", LONG.replace(",cc,", ",xx,"), "no estimate for cc"),
        ("c.csv", LONG + LONG.partition("\n")[2], "twice"),
        ("d.xlsx", "no workbook", "cannot be read"),
        ("e.zip", "no archive", "cannot be read"),
    ],
)
def test_wrong_files_are_refused_and_leave_nothing(tmp_path, folder, name, text, said):
    with pytest.raises(InputError, match=said):
        data.import_governance(written(tmp_path, name, text))
    assert not folder.exists()


def test_an_absent_and_a_damaged_file(tmp_path, folder):
    with pytest.raises(InputError, match="no such file"):
        data.import_governance(tmp_path / "absent.csv")
    data.import_governance(written(tmp_path, "wgi.csv", LONG))
    (folder / "governance_dimensions.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="data import"):
        data.governance_dimensions()


def book_of(path, sheets):
    book = openpyxl.Workbook()
    book.active.title = "Introduction"
    book.active.append(["Worldwide Governance Indicators"])
    for name, lines in sheets.items():
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(line)
    book.save(path)
    return path


def test_the_edition_of_2025_has_a_sheet_a_dimension(tmp_path):
    head = ["Economy (name)", "Economy (code)", "Region", "Year", "Governance score (0-100)",
            "Governance estimate (approx. -2.5 to +2.5)", "Standard error"]  # fmt: skip
    sheets = {
        d: [head, ["Japan", "JPN", "x", 2023, 80.0, 0.1 * i, 0.2],
            ["Japan", "JPN", "x", 2024, 81.0, 0.1 * i + 0.01, 0.2],
            ["Tuvalu", "TUV", "x", 2024, None, None, None]]
        for i, d in enumerate(DIMENSIONS)
    }  # fmt: skip
    done = data.import_governance(book_of(tmp_path / "wgidataset.xlsx", sheets))
    assert (done["rows"], done["countries"], done["years"]) == (12, 1, [2023, 2024])
    table = data.governance_dimensions().filter(year=2024)
    assert dict(table.select("dimension", "estimate").rows()) == pytest.approx(
        {d: 0.1 * i + 0.01 for i, d in enumerate(DIMENSIONS)}
    )


OLD_SHEETS = ("VoiceandAccountability", "Political StabilityNoViolence", "GovernmentEffectiveness",
              "RegulatoryQuality", "RuleofLaw", "ControlofCorruption")  # fmt: skip


def old_sheets(bad=None):
    six = ["Estimate", "StdErr", "NumSrc", "Rank", "Lower", "Upper"]
    years = [None, None, 2020, *[None] * 5, 2021, *[None] * 5]
    return {
        name: [
            *[[f"note {k}"] for k in range(13)], years, ["Country/Territory", "Code", *six, *six],
            ["Japan", "JPN", 0.1 * i, 0.2, 8, 88.0, 80.0, 95.0, bad or 0.3, 0.2, 8, 88.0, 80, 95],
            ["Congo, Dem. Rep.", "ZAR", -1.5, *["#N/A"] * 11],
        ]
        for i, name in enumerate(OLD_SHEETS)
    }  # fmt: skip


def test_editions_to_2022_have_the_year_above_the_estimate(tmp_path):
    done = data.import_governance(book_of(tmp_path / "wgidataset.xlsx", old_sheets()))
    assert (done["rows"], done["years"]) == (18, [2020, 2021])
    table = data.governance_dimensions()
    japan = table.filter(country="JPN", year=2020)
    assert dict(japan.select("dimension", "estimate").rows()) == pytest.approx(
        {d: 0.1 * i for i, d in enumerate(DIMENSIONS)}
    )
    assert table.filter(country="COD")["estimate"].to_list() == [-1.5] * 6


def test_a_wrong_cell_of_a_workbook_is_named_with_its_sheet(tmp_path):
    with pytest.raises(SpecError) as caught:
        data.import_governance(book_of(tmp_path / "wgi.xlsx", old_sheets(bad=88)))
    assert len(caught.value.problems) == 6
    assert (
        caught.value.problems[0].place == "sheet VoiceandAccountability, row 16, estimate of 2021"
    )


def test_codes_of_the_data_bank_since_2025_are_read(tmp_path):
    text = WIDE.replace(".EST", "_EST").replace(",x,", ",x,GOV_WGI_")
    assert data.import_governance(written(tmp_path, "bank.csv", text))["rows"] == 6
