"""Files of this machine that are watched, and brought to wherever the replicas are."""
