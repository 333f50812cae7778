"""Placeholder."""
def makers(dit, latte):
    return {}
