"""What each kind of host in a lab runs: one module per role, each turning facts into files and a boot script.

A role is a pure function. Its result, a ``boot.Setup``, is what ``lab.topology.Host`` wants as ``files`` and ``boot``;
``SYSCTLS`` and ``LOGS`` of the role's module go to the host's fields of the same names.
"""
