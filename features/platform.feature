Feature: The platform is built as planned
  The vRack carries every network of the plan as one tagged layer 2, each host stands where the plan says, and nothing
  of the lab reaches beyond it.

  @SNS-PLAT-01 @each_site
  Scenario: Every host has its planned address on its planned network
    When the hosts of the site are asked for their addresses
    Then each has exactly the addresses that the plan gives it
    And each answers on the network that the plan puts it on

  @SNS-PLAT-02 @each_web_server
  Scenario: Addresses on private networks come from the network's own DHCP service
    When the private server asks for its address again
    Then the DHCP service of its network gives it the planned address
    And the gateway it is given is the firewall
    And the service answers on its own two addresses of the network

  @SNS-PLAT-03 @each_bare_metal_server @needs_raw_frames
  Scenario: An untagged frame on a tagged port reaches no private network
    Given a frame tagged for the server's network reaches the hosts of that network
    When the bare-metal server sends an untagged frame
    Then no host of a private network receives it

  @SNS-PLAT-04 @each_web_server @needs_raw_frames
  Scenario: A cloud instance cannot tag its way into another network
    Given an untagged frame of the private server reaches its own network
    When the private server sends frames tagged for every other network
    Then no host of another network receives them

  @SNS-PLAT-05 @each_web_server @needs_raw_frames
  Scenario: A doubly tagged frame does not hop into another network
    Given an untagged frame of the private server reaches its own network
    When the private server sends frames tagged twice, its own network outside and every other inside
    Then no host of another network receives them

  @SNS-PLAT-06 @each_cluster @needs_raw_frames
  Scenario: After the join nobody answers for the second firewall's former address
    Given the provider's gateway resolves the firewall's public address
    When the provider's gateway asks who has each released address of the block
    Then nobody answers

  @SNS-PLAT-07 @needs_isolation
  Scenario: Nothing of the lab is visible in the machine's own network
    Then the machine's own network namespace has no interface, address or route of the lab

  @SNS-PLAT-08 @needs_isolation
  Scenario: No packet of the lab can leave it
    Given the stranger reaches the public site over https
    When every host of the lab sends packets to addresses outside the lab
    Then none of them is seen on the machine's own interfaces
