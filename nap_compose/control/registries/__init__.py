"""Registries: what owners log in to them with, and the private images that come from there."""
