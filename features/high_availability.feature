Feature: Two firewalls stand for one
  One member works; the other waits in silence with the same addresses, and takes over with the sessions that the first
  one had.

  @SNS-HA-01 @each_cluster @needs_introspection
  Scenario: One member is active, one is passive, and both say so
    When both members are asked for the state of the cluster
    Then exactly one of them is active
    And they agree on who it is

  @SNS-HA-02 @each_cluster @with_published_site @needs_raw_frames
  Scenario: The passive member is silent on the data networks
    Given the active member answers for the cluster's addresses
    When the neighbours of the cluster ask for its addresses and use its services
    Then the passive member sends nothing on the data networks

  @SNS-HA-03 @each_cluster @needs_configuration_change
  Scenario: A change is not shared until the administrator synchronises it
    Given the members have the same configuration
    When the administrator changes the configuration of the active member
    Then both members report that they are not synchronised
    When the administrator runs "hasync" on the active member
    Then both members report that they are synchronised
    And the configuration files of both members are identical

  @SNS-HA-19 @each_cluster @needs_introspection
  Scenario: The last change was synchronised
    When both members are asked for the state of the cluster
    Then both members report that they are synchronised
    And the configuration files of both members are identical

  @SNS-HA-20 @each_cluster @needs_spoofing
  Scenario: The HA network leads to the firewall and no further
    When others on the HA network send packets to the firewall and to every other network, and outsiders to its HA address
    Then the firewall takes those of the HA network to its HA address
    And it refuses the others
    And nobody there is shown the login page

  @SNS-HA-05 @each_cluster @needs_fault_injection @disruptive
  Scenario: Losing the external link of the active member moves the work to the other
    Given flows of every class run through the firewall
    When the active member loses its external link
    Then the former passive member is active, alone
    And every flow goes on within its budget for a lost link
    And the TCP sessions through the firewall are the same ones

  @SNS-HA-06 @each_cluster @needs_introspection @disruptive
  Scenario: The administrator switches the members without breaking a session
    Given flows of every class run through the firewall
    When the administrator hands the work to the passive member
    Then the former passive member is active, alone
    And every flow goes on within its budget for a switch
    And the TCP sessions through the firewall are the same ones

  @SNS-HA-07 @each_cluster @needs_fault_injection @disruptive
  Scenario: A cut of the HA link does not make two active members
    Given flows of every class run through the firewall
    When the HA link is cut
    Then both members report the HA link as failed
    And exactly one member forwards and answers for the cluster's addresses
    And nobody takes over meanwhile
    And the TCP sessions through the firewall are the same ones

  @SNS-HA-04 @each_cluster @needs_fault_injection @disruptive
  Scenario: Losing the active member interrupts nobody for long
    Given flows of every class run through the firewall
    When the active member loses power
    Then the former passive member is active, alone
    And every flow goes on within its budget for a lost member
    And the TCP sessions through the firewall are the same ones

  @SNS-HA-08 @each_cluster @with_published_site @needs_fault_injection @disruptive
  Scenario: A member that comes back is passive, synchronised, and can take the work back
    Given the active member has lost power and the other has taken over
    When the lost member returns
    Then it is passive and the members are synchronised
    When the administrator makes the passive member active
    Then its neighbours are told where the cluster's addresses are now
    And the published site answers through it

  @SNS-HA-09 @each_cluster @needs_fault_injection @disruptive @campaign
  Scenario: A member that hangs is replaced, and keeps out when it goes on
    When the active member hangs
    Then the other member takes over, alone
    When the member goes on
    Then exactly one member forwards and answers for the cluster's addresses

  @SNS-HA-10 @each_cluster @needs_fault_injection @disruptive @campaign
  Scenario: A slow and lossy HA link does not make two active members
    Given the active member answers for the cluster's addresses
    When the HA link loses frames, and carries the others too late
    Then nobody takes over meanwhile
    And exactly one member forwards and answers for the cluster's addresses

  @SNS-HA-11 @each_cluster @needs_fault_injection @disruptive @campaign
  Scenario: A member that is no longer heard is replaced, though it hears the other
    Given the active member answers for the cluster's addresses
    When the active member is no longer heard, though it hears
    Then the other member takes over, alone
    And exactly one member forwards and answers for the cluster's addresses

  @SNS-HA-12 @each_cluster @needs_fault_injection @disruptive @campaign
  Scenario: A member whose HA agent dies stops forwarding, and the other takes over
    Given the active member answers for the cluster's addresses
    When the HA agent of the active member dies
    Then the other member takes over, alone
    And exactly one member forwards and answers for the cluster's addresses

  @SNS-HA-13 @each_cluster @needs_fault_injection @disruptive @campaign
  Scenario: A member that loses power while it takes a configuration can be synchronised again
    Given the members have the same configuration
    When the passive member loses power while it takes a changed configuration
    And it boots again
    And the administrator runs "hasync" on the active member
    Then the configuration files of both members are identical

  @SNS-HA-14 @each_cluster @needs_fault_injection @disruptive @campaign
  Scenario: Two failovers close together interrupt nobody for longer than one
    Given flows of every class run through the firewall
    When the active member loses power, and then the other one as soon as the first is back
    Then the former passive member is active, alone
    And every flow goes on within its budget for a lost member
    And the TCP sessions through the firewall are the same ones

  @SNS-HA-15 @each_cluster @needs_fault_injection @disruptive @campaign
  Scenario: A member whose disk is full refuses a configuration, and keeps all of the one it has
    Given the members have the same configuration
    When the passive member's disk is full, and a large change is synchronised to it
    Then the synchronisation fails, and the passive member has every file as before
    When its disk has room again, and the change is synchronised once more
    Then the configuration files of both members are identical

  @SNS-HA-16 @each_cluster @needs_fault_injection @disruptive @campaign
  Scenario: A link that comes and goes moves the work once
    Given the active member answers for the cluster's addresses
    When the external link of the active member comes and goes, again and again
    Then the other member takes over, alone
    And nobody takes over after it
    And exactly one member forwards and answers for the cluster's addresses

  @SNS-HA-17 @each_cluster @needs_fault_injection @disruptive @campaign
  Scenario: A member that hears nothing gives the work away, though it is heard
    Given the active member answers for the cluster's addresses
    When the active member hears nothing any more, though it is heard
    Then the other member takes over, alone
    And exactly one member forwards and answers for the cluster's addresses

  @SNS-HA-18 @each_cluster @needs_fault_injection @disruptive @campaign
  Scenario: A member that loses power while it applies a change is replaced, and then differs from the other
    Given the members have the same configuration
    When the active member loses power while it applies a change
    Then the other member takes over, alone
    When it boots again
    Then both members report that they are not synchronised
