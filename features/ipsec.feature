Feature: An IPsec tunnel joins two sites
  Use case 3 of the guide: the private networks of two regions reach each other through a site-to-site tunnel, and
  never in clear.

  @SNS-IPSEC-01 @each_tunnel
  Scenario: The private servers of both sites ping each other
    When the private servers of both sites ping each other
    Then every ping is answered, both ways

  @SNS-IPSEC-02 @each_tunnel @needs_introspection
  Scenario: The tunnel is negotiated as configured
    Given the private servers of both sites ping each other
    When both firewalls are asked for their security associations
    Then each holds the tunnel between the configured networks, and none between others
    And its algorithms and lifetimes are the configured ones
    And each asks after its peer, and begins the tunnel again, as configured

  @SNS-IPSEC-03 @each_tunnel @needs_transit_capture
  Scenario: What crosses the Internet is IKE and ESP, and nothing of ours in clear
    Given the private servers of both sites ping each other
    When the private servers of both sites exchange 20 marked packets each
    Then every marked packet arrives at the other site
    And between the two firewalls only IKE and ESP are seen on the Internet
    And no marked packet is readable on the Internet

  @SNS-IPSEC-04 @each_tunnel @needs_transit_capture @needs_fault_injection
  Scenario: With the tunnel down nothing leaves in clear
    Given the private servers of both sites ping each other
    When the tunnel services of both firewalls are stopped
    And the private server of each site sends marked packets to the other one
    Then no marked packet is seen on the Internet
    And the tunnel comes back when the services are started again

  @SNS-IPSEC-05 @each_tunnel @needs_raw_frames
  Scenario: Clear packets that claim to come from the remote site are dropped
    Given the private servers of both sites ping each other
    When the provider's gateway of each site sends clear packets with a source in the other site's network
    Then none of them reaches a private server
    And each firewall counts them as refused

  @SNS-IPSEC-06 @each_tunnel @needs_configuration_change
  Scenario: A wrong key makes no tunnel, and the firewall says so
    Given the private servers of both sites ping each other
    When the local firewall is given a wrong pre-shared key
    Then the firewall names the authentication failure
    And no tunnel stands at either end

  @SNS-IPSEC-07 @each_tunnel @needs_fault_injection
  Scenario: Rekeying loses nothing
    Given the private servers of both sites ping each other
    When the keys of the tunnel are renewed under a stream of numbered packets
    Then the tunnel has new keys at both ends
    And no packet of the stream is lost

  @SNS-IPSEC-08 @each_tunnel @needs_fault_injection
  Scenario: A peer that restarts finds its tunnel again
    Given the private servers of both sites ping each other
    When the tunnel service of the remote firewall dies and is started again
    Then the private servers ping each other again within the budget

  @SNS-IPSEC-09 @each_tunnel @needs_introspection
  Scenario: What the tunnel is not for does not pass through it
    Given the private servers of both sites ping each other
    When the private server of each site tries and pings addresses of the other one outside the tunnel's networks
    Then none of the attempts enters the tunnel
    And none of them is answered

  @SNS-IPSEC-10 @each_tunnel
  Scenario: Neither firewall is managed through the tunnel
    Given the private servers of both sites ping each other
    When the private server of each site tries SSH and the login page of the other site's firewall
    Then SSH stays silent for the private servers
    And the login page is withheld from the private servers

  @SNS-IPSEC-11 @each_tunnel @needs_fault_injection @needs_raw_frames
  Scenario: With the tunnel down, clear packets that claim to come from the remote site are dropped too
    Given the private servers of both sites ping each other
    When the tunnel services of both firewalls are stopped
    And the provider's gateway of each site sends clear packets with a source in the other site's network
    Then none of them reaches a private server
    And each firewall counts them as refused

  @SNS-IPSEC-12 @each_tunnel @needs_spoofing
  Scenario: The tunnel joins the whole of both networks
    When both ends of each site's network send packets of all kinds to both ends of the other one
    Then all of them arrive at the other site

  @SNS-IPSEC-13 @each_tunnel @needs_transit_capture @needs_configuration_change
  Scenario: With the IPsec policy switched off nothing leaves in clear either
    Given the private servers of both sites ping each other
    When the IPsec policy of the local firewall is switched off
    And the private server of each site sends marked packets to the other one
    Then no marked packet is seen on the Internet
    And the tunnel comes back when the policy is switched on again
