"""Rules to a level, signals to a service and a group: what a report means, and why. Pure.

- ``service.ServiceIndex``: which service a signal is about
- ``facts.Facts``: what rules look at
- ``ruleset.compile_rules``, ``RuleSet``, ``EMPTY``: rule files as one value
- ``level.level_for``: the level with its reason
- ``group.group_for``: which signals belong together
- ``share.share_of``, ``share_over``: the share of users, exactly
- ``explain``, ``testing``: why, and whether the rules do what their tests say
"""
