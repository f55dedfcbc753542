"""`make bench`: nap beside what people would use instead, run by run, as ratios."""
