from lodeline.report.html import render_stress


def test_it_renders(result, world):
    assert "<html" in render_stress(result, world=world)
