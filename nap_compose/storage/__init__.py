"""The cluster storage: one MooseFS over all hosts, and the volumes of apps in it."""
