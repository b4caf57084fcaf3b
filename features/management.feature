Feature: Only the administrator manages the firewalls
  Web interface and SSH answer the administrator's public address alone, and commands refuse what is mistaken.

  @SNS-MGMT-01 @each_site
  Scenario: The administrator reaches the web administration of the active firewall
    When the administrator opens the web administration
    Then its login page is shown

  @SNS-MGMT-02 @each_site
  Scenario: The administrator works on the active firewall over SSH
    When the administrator runs "slotinfo -a filter" over SSH
    Then the active firewall answers with its active filter slot

  @SNS-MGMT-03 @each_web_server
  Scenario: From the firewall the administrator goes on to the private server with the same key
    When the administrator goes through the firewall to the private server with agent forwarding
    Then the private server welcomes the administrator by key

  @SNS-MGMT-04 @each_site
  Scenario: A stranger manages nothing
    Given the administrator reaches SSH and the login page of the firewall
    And the stranger reaches the public site over https
    When the stranger tries SSH and the login page of the firewall
    Then SSH stays silent for the stranger
    And the login page is withheld from the stranger

  @SNS-MGMT-05 @each_web_server
  Scenario: A private server manages nothing
    Given the administrator reaches SSH and the login page of the firewall
    And the private server reaches the public site over https
    When the private server tries SSH and the login page of the firewall, on its public and its private address
    Then SSH stays silent for the private server
    And the login page is withheld from the private server

  @SNS-MGMT-06 @each_site @needs_raw_frames
  Scenario: A sweep of all TCP ports by a stranger finds only what is published
    When the stranger sweeps all TCP ports of the public address
    Then exactly the published services and the SSL VPN answer
    And every other port stays silent

  @SNS-MGMT-07 @each_site @with_published_site @needs_configuration_change
  Scenario: A mistake in the rules is refused and the running rules stay
    Given the stranger reaches the published web site
    When the administrator activates a filter slot that names an unknown object
    Then the command refuses it with the file and the line
    And the stranger reaches the published web site

  @SNS-MGMT-08 @each_site @needs_spoofing
  Scenario: A sweep of the well-known UDP ports by a stranger gets through to the SSL VPN alone
    When datagrams of a stranger to all well-known UDP ports of the public address arrive at the firewall
    Then exactly what is published over UDP and the SSL VPN is let through
    And every other datagram ends at the firewall unanswered

  @SNS-MGMT-09 @each_site @needs_spoofing
  Scenario: The firewall takes from each what that one is meant to send, and nothing else
    When strangers, the administrator, the peers and private hosts send packets of all kinds to the firewall and past it
    Then it takes what each of them is meant to send, and passes on what is published
    And it refuses all others

  @SNS-POL-01 @each_site @needs_spoofing @from_policy
  Scenario: What passes is what the configuration says, no more and no less
    When packets of all kinds that its configuration tells apart arrive at the firewall
    Then none of them is unaccounted for
    And what becomes of each, and of a reply to it, is what the configuration says
