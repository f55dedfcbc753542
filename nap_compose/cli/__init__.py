"""The commands: one file a verb, loaded on demand; terminal output and exit codes."""
