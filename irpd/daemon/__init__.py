"""The daemon: builds the parts, wires them together and looks after them.

``service`` is the composition root. Beside it are what only a running process needs: the
supervisor's protocol, the watchdog, the watch on files, logs.
"""
