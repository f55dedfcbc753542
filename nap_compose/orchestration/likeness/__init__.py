"""Whether what is there is what nap would make, where no hash of nap's own tells. Pure."""
