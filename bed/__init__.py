"""The test bed: real Docker hosts and every server nap leans on, on one Linux machine."""
