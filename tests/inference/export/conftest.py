"""Runs of every kind that can be exported; none of the tests changes what lies there."""

import pytest
from exported_runs import KINDS, Exported, train


@pytest.fixture(scope="session", params=KINDS)
def exported(request, tmp_path_factory) -> Exported:
    return train(tmp_path_factory.mktemp("exported"), request.param)
