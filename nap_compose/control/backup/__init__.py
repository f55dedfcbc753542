"""Backups of all control state: what is in one, written, checked and brought back."""
