Feature: The platform is built as planned
  One tagged layer 2 carries every network of the plan, each host stands where the plan says, and nothing of the lab
  reaches beyond it.

  @SNS-PLAT-01 @each_site @needs_raw_frames
  Scenario: Every host has its planned address on its planned network
    When the hosts of the site are asked for their addresses
    Then each has exactly the addresses that the plan gives it
    And on the planned network each address is answered for by its host alone

  @SNS-PLAT-02 @each_web_server @needs_introspection
  Scenario: The address of a private server comes from its network's DHCP service
    When the private server asks for an address again
    Then it is given the planned address, with the firewall as its gateway
    And it comes from the network's DHCP service, whose addresses all answer pings

  @SNS-PLAT-03 @each_bare_metal_server @needs_raw_frames
  Scenario: An untagged frame on a tagged port reaches no private network
    When the bare-metal server sends untagged frames, and one tagged for its network
    Then its own network hears the honest frame
    And no private network hears the others

  @SNS-PLAT-04 @each_web_server @needs_raw_frames
  Scenario: A cloud instance cannot tag its way into another network
    When the private server sends frames tagged for every network of the plan, and one untagged
    Then its own network hears the honest frame
    And no other network hears the others

  @SNS-PLAT-05 @each_web_server @needs_raw_frames
  Scenario: A frame tagged twice does not hop into another network
    When the private server sends frames tagged twice, and one untagged
    Then its own network hears the honest frame
    And no other network hears the others

  @SNS-PLAT-06 @each_cluster @with_released_address @needs_raw_frames
  Scenario: After the join nobody answers for the second firewall's former address
    Given the provider's gateway resolves the firewall's public address
    When the provider's gateway asks who has each released address of the block
    Then nobody answers

  @SNS-PLAT-07 @needs_isolation
  Scenario: Nothing of the lab is visible in the machine's own network
    When the machine's own interfaces, addresses and routes are listed
    Then none of them belongs to the lab

  @SNS-PLAT-08 @needs_isolation
  Scenario: No packet of the lab can leave it
    When every host of the lab sends packets to an address outside the lab
    Then they are seen inside the lab
    And none of them is seen on the machine's own interfaces
