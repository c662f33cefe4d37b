"""Seeded fuzzing of everything that reads what a user gives: no raw traceback, no hang, nothing lost."""
