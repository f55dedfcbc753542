"""The commands: one file a verb, loaded on demand; terminal output and exit codes."""

import gc

# Most commands end before there is garbage worth looking for, and each look while modules are
# imported goes through all that there is: a twentieth of a short command's time.
gc.set_threshold(200_000, 20, 20)
