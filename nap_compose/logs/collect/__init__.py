"""Collecting what containers print into files that are kept: the service behind `nap logs`."""
