"""The record as a page: what it says, put in order for a reader (``view``), drawn (``drawing``, ``plots``), written (``page``)."""
