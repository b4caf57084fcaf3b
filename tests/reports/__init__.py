"""The record and its renderings."""
