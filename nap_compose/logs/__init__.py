"""Deployment logs and container logs: written, collected, merged, read."""
