"""What a plan of `nap up` is put together from, a subject a file. Pure."""
