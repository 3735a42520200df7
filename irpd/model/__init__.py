"""The vocabulary: levels, signals, incidents, pages, events and commands.

Pure values (frozen ``msgspec`` structs); imports nothing else of irpd. Import from the
modules: ``from irpd.model.event import Opened``.
"""
