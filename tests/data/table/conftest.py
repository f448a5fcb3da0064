"""Tables as files."""

import pytest
from tables import people, write_csv


@pytest.fixture
def path(tmp_path):
    """A function that writes columns as CSV and returns its path."""

    def write(columns=None, name="f.csv") -> str:
        return write_csv(tmp_path / name, people() if columns is None else columns)

    return write
