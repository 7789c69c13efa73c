# SPDX-License-Identifier: GPL-3.0-or-later
"""On Python's path when tests/run.sh gives tests SLOW times as long: what they wait for may take so many times longer, too."""
import inspect
import os
import subprocess

SLOW = int(os.environ["SLOW"])


def slower(waits):
    """A method whose argument `timeout` is SLOW times as many seconds."""
    signature = inspect.signature(waits)

    def longer(*args, **named):
        given = signature.bind(*args, **named)
        if given.arguments.get("timeout"):
            given.arguments["timeout"] *= SLOW
        return waits(*given.args, **given.kwargs)
    return longer


for name in ("communicate", "wait"):
    setattr(subprocess.Popen, name, slower(getattr(subprocess.Popen, name)))
try:
    from pexpect.expect import Expecter
    Expecter.expect_loop = slower(Expecter.expect_loop)
except ImportError:
    pass
