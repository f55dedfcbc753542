"""The bodies that are sent to an engine's create calls: pure, from the canonical model."""
