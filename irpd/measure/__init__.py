"""Measures irpd on this machine: durable intake and the time to a page, with ratios to a bare
HTTP handler that reads and validates the same bodies.

Both sides run interleaved, medians are printed, CPU time stands beside wall time. Nothing is
measured that is not on loopback. ``irpd bench`` and the programs in ``bench/`` use it.
"""
