"""The commands: one file a verb, loaded on demand; terminal output and exit codes."""

import gc

# Most commands end before there is garbage worth looking for, and each look while modules are
# imported goes through all that there is: a twentieth of a short command's time.
GARBAGE = 200_000
"""How many objects more than went have to come before Python looks for circles of garbage: by
default it does so hundreds of times while a large cluster is read, of which nothing is garbage."""

gc.set_threshold(GARBAGE, 20, 20)
