"""The good configuration that each test writes its mistake into."""

from harness.files import good, write

__all__ = ["good", "write"]
