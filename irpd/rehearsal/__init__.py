"""What rules would do, in virtual time and through the real protocol: nothing is sent, nothing is kept.

- ``world.World``: the core with a clock that jumps from one thing to the next
- ``suite.rehearse``: every test of the rule files, timelines and who is paged included
"""
