"""Programs that measure irpd against a baseline. ``python -m bench --help``.

Each runs both sides interleaved in the same run and prints medians and ratios, CPU time
beside wall time, because the figures of one machine at one moment mean little on their own.
They never fail on a figure; CI only checks that they run (``--smoke``).
"""
