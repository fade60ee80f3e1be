"""Tables of briefs fold into one column on a telephone."""

from lodeline.report.blocks import Block, blocks_html


def test_a_wide_table_folds_with_the_headings_beside_each_value():
    columns = ("material", "form", "share of the largest")
    wide = Block("Lots", columns=columns, rows=(("cobalt", "metal", "70 %"),), numbers=columns[2:])
    page = blocks_html([Block("Title", level=1, text=("Lead.",)), wide], kind="purchases")
    assert '<table class="stack wrap">' in page
    assert '<td class="number" data-label="share of the largest">70 %</td>' in page


def test_a_table_of_two_columns_stays_as_it_is():
    narrow = Block("Lots", columns=("a", "b"), rows=(("c", "d"),))
    page = blocks_html([Block("Title", level=1, text=("Lead.",)), narrow], kind="purchases")
    assert "<table>" in page
