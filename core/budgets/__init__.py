"""Budgets: what may be spent in a month, held for each job before it spends it."""
