"""The hosts: the engine's door, observing, labels and names, networks, images, the state store."""
