"""The whole check of configuration and rules: what no single value shows.

References between parts, levels that reach nobody, steps and methods that can never fire, gaps that only
``fallback`` covers, claims that take each other's signals, secrets that can't be had, rules. Everything that
is wrong is named at once, in the order of the files. An error is what can't work and keeps a set of files
from being taken; a warning is what is probably not meant.
"""

from irpd.check.whole import Checked, check, check_files

__all__ = ["Checked", "check", "check_files"]
