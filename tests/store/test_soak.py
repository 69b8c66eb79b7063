"""The soak of `tests/benchmarks/soak.py`, as short as it still says something."""

import sys

import pytest

from tests.benchmarks.soak import soak


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.timeout(180)
async def test_nothing_grows_and_all_is_there() -> None:
    print(await soak(20.0, every=4.0, seed=3))
