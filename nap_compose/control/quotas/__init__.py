"""Quotas at work: whose count for an app, what is used of them, and the check before more is."""
