"""What the programs in bench/ make of what they measure."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "bench"))

import table  # noqa: E402
import wrk  # noqa: E402
from table import Row  # noqa: E402

SAID = """Running 1s test @ http://127.0.0.1:8805/
  1 threads and 16 connections
Requests/sec:   3511.18
{"requests":7051,"seconds":2.010000,"failed":3,"p50_us":230,"p99_us":9100}
"""


def test_what_wrk_says_is_read():
    load = wrk.parse(SAID)
    assert (round(load.per_second), load.p50_us, load.p99_us, load.failed) == (3508, 230, 9100, 3)


def test_each_figure_of_several_runs_has_its_own_median_and_failures_add_up():
    loads = [wrk.Load(100, 5, 90, 0), wrk.Load(300, 7, 80, 1), wrk.Load(200, 6, 100, 1)]
    assert table.median_of_loads(loads) == wrk.Load(200, 6, 90, 2)


def test_what_is_wanted_is_wanted_of_the_figure_or_of_its_ratio():
    assert Row("a", 80, "µs", at_most=90).reached
    assert not Row("a", 91, "µs", at_most=90).reached
    assert Row("a", 60, "/s", "limit", 100, at_least=0.6, of_ratio=True).reached
    assert not Row("a", 59, "/s", "limit", 100, at_least=0.6, of_ratio=True).reached
    assert Row("a", 2, "ms", "node", 4, at_most=2.5).ratio == 0.5


def test_nothing_is_said_where_nothing_is_wanted_or_known():
    assert Row("a", 1, "s").reached is None
    assert Row("a", 60, "/s", "workerd", None, at_least=1, of_ratio=True).reached is None


def test_a_percentile_is_one_of_the_samples():
    assert table.percentile(range(100), 0.99) == 99
    assert table.percentile([3, 1, 2], 0.5) == 2


def test_columns_are_as_wide_as_they_have_to_be():
    assert table.markdown(["a", "b"], [["long", "1"]]).splitlines() == ["| a    | b |", "| ---- | - |", "| long | 1 |"]
