"""Tar streams between a container and the files of the person who calls nap."""
