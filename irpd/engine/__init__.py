"""The loop around the core: inbox, batch, commit, publish, deadlines, recovery.

``ports`` holds what it asks of the outside.
"""
