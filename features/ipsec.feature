Feature: An IPsec tunnel joins two sites
  Use case 3 of the guide: the private networks of two regions reach each other through a site-to-site tunnel, and
  never in clear.

  @SNS-IPSEC-01 @each_tunnel
  Scenario: The private servers of both sites ping each other
    When the private servers of both sites ping each other
    Then every ping is answered, both ways

  @SNS-IPSEC-03 @each_tunnel @needs_transit_capture
  Scenario: What crosses the Internet is IKE and ESP, and nothing of ours in clear
    When the private servers of both sites exchange 20 marked packets each
    Then every marked packet arrives at the other site
    And between the two firewalls only IKE and ESP are seen on the Internet
    And no marked packet is readable on the Internet

  @SNS-IPSEC-04 @each_tunnel @needs_transit_capture @needs_fault_injection
  Scenario: With the tunnel down nothing leaves in clear
    Given the private servers of both sites ping each other
    When the tunnel service of the local firewall is stopped
    And the private server sends marked packets to the remote site
    Then no marked packet is seen on the Internet
    And the tunnel comes back when the service is started again

  @SNS-IPSEC-05 @each_tunnel @needs_raw_frames
  Scenario: Clear packets that claim to come from the remote site are dropped
    Given the private servers of both sites ping each other
    When the provider's gateway sends clear packets with a source in the remote network
    Then none of them reaches the private server

  @SNS-IPSEC-08 @each_tunnel @needs_fault_injection
  Scenario: A peer that restarts finds its tunnel again
    Given the private servers of both sites ping each other
    When the tunnel service of the remote firewall dies and is started again
    Then the private servers ping each other again within the budget
