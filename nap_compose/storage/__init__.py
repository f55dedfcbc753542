"""Volumes: local ones, and those that the whole cluster shares."""
