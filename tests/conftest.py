"""What every test may count on."""

import os
import signal

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.figures", "tests.support.turns"]

# Whoever starts the tests in the background of a shell has them, and all that they start, ignore
# Ctrl-C; the tests of Ctrl-C would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests start nap thousands of times; with this set each would compile all of its modules anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# How long an example takes says something of the machine alone. The same examples each time, so
# that a fault is found again; `make test ARGS=--hypothesis-profile=new` looks for others.
settings.register_profile("new", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("new"), derandomize=True)
settings.load_profile("same")
