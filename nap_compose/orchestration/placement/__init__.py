"""Placement: which host each replica goes to, and why. Pure and deterministic.

Filters say, with numbers, why a host can't take a replica; what is left is scored. A replica that
already runs on a host that can have it stays there: nothing is moved for a nicer score. Replicas
are seated one after another, those with the fewest hosts to choose from first; where that leads
to one that fits nowhere, a bounded search looks for another way to seat them all.
"""
