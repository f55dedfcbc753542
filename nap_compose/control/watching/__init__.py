"""The watcher: who leads, what it hears and sees, and what it does about it."""
