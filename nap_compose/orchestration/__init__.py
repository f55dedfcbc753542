"""From an App and a View to what is done: placement, plan, steps, execution. All but execution is pure."""
