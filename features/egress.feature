Feature: Private servers reach the Internet through the firewall
  Use case 1 of the guide: the firewall is the gateway of the private network. What the policy allows leaves with the
  firewall's public address; nothing else leaves, and nothing comes back in by itself.

  @SNS-EGRESS-01 @each_web_server
  Scenario: A private server fetches a public page
    When the private server fetches the headers of the public page
    Then the answer is "HTTP/2 200"

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

  @SNS-EGRESS-06 @each_web_server
  Scenario: A refused web site is cut by its name, and the server is told
    Given the private server reaches the public site over http
    When the private server asks the same address for each refused name over http
    Then it gets the firewall's refusal page instead

  @SNS-EGRESS-07 @each_web_server
  Scenario: A refused site is cut by its TLS server name
    Given the private server reaches the public site over https
    When the private server asks the same address for each refused name over https
    Then the firewall ends the connection before any answer
