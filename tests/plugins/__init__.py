"""The pytest plugins, each run as its user runs it: a pytest of its own on a small tree of features."""
