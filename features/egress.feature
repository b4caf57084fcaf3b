Feature: Private servers reach the Internet through the firewall
  Use case 1 of the guide: the firewall is the gateway of the private network. What the policy allows leaves with the
  firewall's public address; nothing else leaves, and nothing comes back in by itself.

  @SNS-EGRESS-01 @each_web_server
  Scenario: A private server fetches a public page
    When the private server fetches the headers of the public page
    Then the answer is "HTTP/2 200"

  @SNS-EGRESS-02 @each_web_server @needs_transit_capture
  Scenario: On the Internet the packets carry the firewall's public address
    When the private server asks the public site from where it was reached
    Then it is told the firewall's public address
    And on the Internet every packet of it has the firewall's public address and a port of "ephemeral_fw"

  @SNS-EGRESS-03 @each_web_server
  Scenario: A private server resolves names
    When the private server resolves the name of the public site
    Then it is given the site's address

  @SNS-EGRESS-04 @each_bare_metal_server
  Scenario: A bare-metal server on a tagged port leaves the same way
    When the private server fetches the headers of the public page
    Then the answer is "HTTP/2 200"
    When the private server asks the public site from where it was reached
    Then it is told the firewall's public address

  @SNS-EGRESS-05 @each_web_server @needs_transit_capture
  Scenario Outline: A service that is not allowed does not leave
    Given the stranger reaches the public site over <service>
    And the private server reaches the public site over https
    When the private server tries the public site over <service>
    Then the attempt is seen inside and never on the Internet
    And the firewall counts it under a blocking rule

    Examples:
      | service |
      | ssh     |
      | smtp    |
      | telnet  |

  @SNS-EGRESS-06 @each_web_server @with_refused_name
  Scenario: A refused web site is cut by its name, and the server is told
    Given the stranger reaches each refused name over http
    And the private server reaches the public site over http
    When the private server asks the same address for each refused name over http
    Then it gets the firewall's refusal page instead

  @SNS-EGRESS-07 @each_web_server @with_refused_name
  Scenario: A refused site is cut by its TLS server name
    Given the stranger reaches each refused name over https
    And the private server reaches the public site over https
    When the private server asks the same address for each refused name over https
    Then the firewall ends the connection before any answer

  @SNS-EGRESS-08 @each_web_server @needs_raw_frames
  Scenario: What the Internet routes to a private server's own address does not reach it
    Given the private server answers its own network over TCP, and to pings
    When the provider's gateway routes connections, datagrams and pings for the private server to the firewall
    Then none of them reaches the private server

  @SNS-EGRESS-09 @each_web_server @with_published_site @needs_raw_frames
  Scenario: Packets from the Internet that claim a private source are dropped
    Given the stranger reaches the published web site
    When the provider's gateway sends the same request with a source in the private network
    Then none of them reaches the private server
    And the firewall counts them as spoofed

  @SNS-EGRESS-10 @each_site @with_neighbour @needs_raw_frames
  Scenario: What it routes to the other private hosts does not pass either
    Given the other hosts of the private network answer the firewall
    When the provider's gateway routes connections, datagrams and pings for each of them to the firewall
    Then the firewall passes none of them on

  @SNS-EGRESS-11 @each_site @needs_spoofing
  Scenario: The private network is served as a whole, and with nothing but what is allowed
    When both ends of the private network send packets of all kinds to the Internet and to other networks
    Then names, pings, the web and the mirror's downloads leave with the firewall's public address
    And nothing else of theirs leaves

  @SNS-EGRESS-12 @each_site @needs_spoofing
  Scenario: The firewall itself reaches the Internet, and sends nothing private there
    When the firewall itself sends packets to the Internet and to the private networks of the other sites
    Then those to the Internet leave, and those to a private network by its tunnel alone
