"""What the promises cost, measured: ``python -m tests.bench [name …]``, each measure beside its limit in the same run.

Nothing here is a test: times are printed, never asserted. Load comes from processes of its own, over loopback.
"""
