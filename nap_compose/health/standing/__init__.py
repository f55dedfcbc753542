"""Whether all is well: from the facts to the lines of `nap status`. Pure."""
