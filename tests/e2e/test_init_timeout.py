"""An init that does not end. Its limit is AWS's ten seconds: a file of its own runs beside the others."""

import re

from bootstraps import shell
from functions import invoke, log_lines


def test_an_init_that_does_not_end_is_repeated(client, logs):
    function = shell(client, init="sleep 600", Timeout=1)
    answer = invoke(client, function)
    assert answer.payload["errorType"] == "Sandbox.Timedout"
    reports = [line for line in log_lines(logs, function) if line.startswith("INIT_REPORT")]
    assert [re.search(r"Duration: (\d+)\d{3}\.\d\d ms\tPhase: (\w+)\tStatus: timeout", line).groups()
            for line in reports] == [("10", "init"), ("1", "invoke")]
