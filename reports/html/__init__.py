"""The record as a page: put in order for its reader (``view``), drawn (``drawing``, ``plots``), and written (``page``)."""
