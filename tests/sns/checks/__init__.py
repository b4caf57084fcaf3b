"""Tests of the checks on configurations."""
