"""The road of every deployment: lock, look, place, claim, plan, run, record.

One file a stretch, each a class that knows what the ones before it know: `looking` sees the hosts,
`choosing` decides where what goes and holds it, `road` plans, runs and remembers.
"""
