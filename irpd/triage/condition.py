"""Placeholder: conditions come next."""


class Condition:
    pass
