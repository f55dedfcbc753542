"""From an App and a View to what is done: placement, plan, execution."""
