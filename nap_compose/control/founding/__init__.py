"""Making a cluster of hosts that have an engine each and know nothing of each other."""
