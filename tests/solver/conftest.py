import pytest
from backends import BACKENDS


@pytest.fixture(params=BACKENDS, ids=lambda b: b.name)
def backend(request):
    return request.param
