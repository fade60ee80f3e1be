"""Purchases are read whole or refused whole, with every wrong cell named by its place."""

import csv
import io
import random
from contextlib import suppress

import openpyxl
import pytest

from lodeline.data.purchase_template import write_template
from lodeline.data.purchases import COLUMNS, Known, read_purchases
from lodeline.errors import InputError, SpecError

KNOWN = Known(
    materials={"rare-earths": "rare-earths", "rare-earth": "rare-earths", "cobalt": "cobalt"},
    forms={"rare-earths": frozenset({"compounds", "metals"})},
    countries=frozenset({"CHN", "NLD", "ITA", "JPN"}),
)
HEAD = "material,supplier_country,quantity,unit,basis,year"
GOOD = "rare-earths,CHN,12.5,t,gross,2024"


def read(tmp_path, text, name="p.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_purchases(path, KNOWN)


def problems(tmp_path, text):
    with pytest.raises(SpecError) as caught:
        read(tmp_path, text)
    return [str(p) for p in caught.value.problems]


@pytest.mark.parametrize("name", ["t.csv", "t.xlsx"])
def test_the_template_reads_back_and_is_never_overwritten(tmp_path, name):
    path = tmp_path / name
    write_template(path)
    rows = read_purchases(path, KNOWN).rows
    assert [(r.row, r.supplier_country, r.tonnes) for r in rows] == [
        (2, "NLD", 12.5),
        (3, "CHN", 3),
    ]
    assert rows[0].hs_code == "280530"
    with pytest.raises(InputError, match="exists"):
        write_template(path)


def test_units_become_tonnes_and_order_of_columns_is_free(tmp_path):
    text = (
        "year,unit,quantity,basis,supplier_country,material\n2024,kg,500,contained,chn,Rare Earth\n"
    )
    [row] = read(tmp_path, text).rows
    assert (row.tonnes, row.material, row.supplier_country) == (0.5, "rare-earths", "CHN")


def test_every_wrong_cell_is_told_at_once_with_row_column_value_and_remedy(tmp_path):
    text = f"""{HEAD},content,stock_days,hs_code,form
unobtainium,CHN,12.5,t,gross,2024,,,,
rare-earths,China,-1,lb,net,24,1.5,often,28A,oxide
,,,,,,,,,
,CHN,,t,gross,2024,0,,,
{GOOD},,,,
"""
    found = problems(tmp_path, text)
    told = "\n".join(found)
    for place, value in [
        ("row 2, column 'material'", "unobtainium"), ("row 3, column 'supplier_country'", "China"),
        ("row 3, column 'quantity'", "-1"), ("row 3, column 'unit'", "lb"),
        ("row 3, column 'basis'", "net"), ("row 3, column 'year'", "24"),
        ("row 3, column 'content'", "1.5"), ("row 3, column 'stock_days'", "often"),
        ("row 3, column 'hs_code'", "28A"), ("row 3, column 'form'", "oxide"),
        ("row 5, column 'material'", "is empty"), ("row 5, column 'quantity'", "is empty"),
        ("row 5, column 'content'", "zero"),
    ]:  # fmt: skip
        assert any(p.startswith(place) and value in p for p in found), (place, told)
    assert len(found) == 13


def test_headings_are_checked_before_rows(tmp_path):
    found = problems(tmp_path, "materiel,supplier_country,quantity,quantity\nx,CHN,1,1\n")
    assert any("'materiel'" in p and "'material'" in p for p in found)
    assert any("more than once" in p for p in found)
    assert any("'year'" in p and "missing" in p for p in found)


@pytest.mark.parametrize(
    ("cell", "part"),
    [("1,5", "1.5"), ("1500", "1500"), ("1,500", None), ("1.500,5", None)],
)
def test_a_file_with_semicolons_has_commas_in_numbers_and_doubt_is_refused(tmp_path, cell, part):
    text = f"{HEAD.replace(',', ';')}\nrare-earths;CHN;{cell};t;gross;2024\n"
    if part is None:
        assert "quantity" in problems(tmp_path, text)[0]
    else:
        assert read(tmp_path, text).rows[0].tonnes == float(part)


@pytest.mark.parametrize("cell", ['"1,500"', "nan", "inf", "1_000", "1e999", "12t"])
def test_what_is_no_plain_number_is_refused(tmp_path, cell):
    assert "quantity" in problems(tmp_path, f"{HEAD}\nrare-earths,CHN,{cell},t,gross,2024\n")[0]


def test_cells_beyond_the_headings_are_not_lost_in_silence(tmp_path):
    [found] = problems(tmp_path, f"{HEAD}\n{GOOD},oops\n")
    assert "oops" in found
    assert "row 2" in found


@pytest.mark.parametrize(
    ("content", "name", "part"),
    [
        (b"", "e.csv", "missing"),
        (HEAD.encode(), "h.csv", "no row"),
        (f"{HEAD}\nÉ".encode("cp1252"), "l.csv", "UTF-8"),
        (b"\0\0\0", "z.csv", "zero bytes"),
        (f'{HEAD}\n"open'.encode(), "q.csv", "quotation"),
        (b"PK\x03\x04 no", "b.xlsx", "XLSX"),
        (GOOD.encode(), "w.ods", ".csv or .xlsx"),
    ],
)
def test_a_damaged_file_is_told_in_one_message(tmp_path, content, name, part):
    with pytest.raises(InputError, match=part):
        read(tmp_path, content, name)


def test_workbook_cells_are_named_as_the_program_names_them(tmp_path):
    path = tmp_path / "p.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(HEAD.split(","))
    sheet.append(["rare-earths", "CHN", True, "t", "gross", 2024])
    sheet.append(["rare-earths", "CHN", 5, "t", "gross", 2024.5])
    book.save(path)
    with pytest.raises(SpecError, match=r"cell C2.*\n.*cell F3"):
        read_purchases(path, KNOWN)


def test_no_damage_of_a_file_gets_out_as_another_exception(tmp_path):
    rng = random.Random(7)
    for name in ("t.csv", "t.xlsx"):
        path = tmp_path / name
        write_template(path)
        whole = path.read_bytes()
        for _ in range(60):
            raw = bytearray(whole)
            for _ in range(rng.randint(1, 12)):
                raw[rng.randrange(len(raw))] = rng.randrange(256)
            path.write_bytes(raw[: rng.randrange(1, len(raw))] if rng.random() < 0.3 else raw)
            with suppress(InputError):  # exit code 2
                read_purchases(path, KNOWN)


def test_the_template_has_all_columns(tmp_path):
    path = tmp_path / "t.csv"
    write_template(path)
    heading = next(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    assert heading == [c.name for c in COLUMNS]
