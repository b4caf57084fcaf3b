Feature: VPN users reach the private network
  Use case 4 of the guide: an OpenVPN client with a directory user reaches the private network, only that, and only
  while the user has the right.

  @SNS-RA-01 @each_pool
  Scenario: The tunnel opens the private network, and closing it leaves no trace
    Given the VPN user cannot ping the private server
    When the VPN user connects
    Then the VPN user pings the private server
    When the VPN user disconnects
    Then the routes and interfaces of the VPN user are exactly as before

  @SNS-RA-02 @each_pool
  Scenario: The client is addressed from the right pool
    When the VPN user connects
    Then the VPN user's address is in the pool of this transport
    And the VPN user is told the way to the private network, and to no other

  @SNS-RA-03 @each_remote_access_site @with_second_transport
  Scenario: UDP is tried first
    When the VPN user connects with the exported configuration
    Then the tunnel runs over udp

  @SNS-RA-04 @each_remote_access_site @with_second_transport @needs_fault_injection
  Scenario: Where UDP is blocked the client falls back to TCP
    Given UDP is blocked between the VPN user and the firewall
    When the VPN user connects with the exported configuration
    Then the tunnel runs over tcp

  @SNS-RA-05 @each_pool
  Scenario: A wrong password is refused
    Given the VPN user can connect
    When the VPN user tries a wrong password
    Then the firewall refuses the user
    And no tunnel interface is left

  @SNS-RA-06 @each_pool @needs_configuration_change
  Scenario: A user without the right is refused
    Given the VPN user can connect
    When the right of the user is removed
    And the VPN user tries to connect
    Then the firewall refuses the user

  @SNS-RA-07 @each_pool @needs_transit_capture
  Scenario: Only the private network is reachable through the tunnel
    Given the VPN user is connected and pings the private server
    When the VPN user sends packets of all kinds to the private network, to others and to the Internet
    Then those to the private network arrive, at both of its ends
    And none of the others passes the firewall

  @SNS-RA-08 @each_pool
  Scenario: The firewall is not managed through the tunnel
    Given the administrator reaches SSH and the login page of the firewall
    And the VPN user is connected and pings the private server
    When the VPN user tries SSH and the login page of the firewall through the tunnel
    Then SSH stays silent for the VPN user
    And the login page is withheld from the VPN user
