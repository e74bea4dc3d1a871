"""The tests of tools/torture."""
