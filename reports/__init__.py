"""The run record, its evidence, and their renderings: all from the record alone, never from live objects."""
