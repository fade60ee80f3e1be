"""Back ends as a fixture; the helper modules beside this file can be imported by name."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from backends import BACKENDS


@pytest.fixture(params=BACKENDS, ids=lambda b: b.name)
def backend(request):
    return request.param
