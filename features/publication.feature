Feature: A private web server is published to the Internet
  Use case 2 of the guide: the Internet reaches nginx through the firewall's public address, and nothing else behind it.

  @SNS-WEB-01 @each_published_service
  Scenario: A stranger reaches the published web site
    When the stranger fetches the headers of the published site
    Then the answer is "HTTP/1.1 200 OK"
    And it comes from the private web server

  @SNS-WEB-02 @each_published_service
  Scenario: The web server sees the stranger's own address
    When the stranger fetches the headers of the published site
    Then the web server's log shows the stranger's own address

  @SNS-WEB-03 @each_published_service @needs_introspection
  Scenario: Nothing else of the web server is published
    Given the web server answers its own network on ports that are not published
    And the stranger reaches the published web site
    When the stranger tries these ports on the public address
    Then every one of them stays silent

  @SNS-WEB-04 @each_published_service @needs_configuration_change
  Scenario: Without the translation the page is gone, and with it the page is back
    Given the stranger reaches the published web site
    When the translation of the published service is removed
    Then the stranger gets no answer
    When the translation of the published service is put back
    Then the stranger reaches the published web site

  @SNS-WEB-05 @each_published_service @needs_spoofing
  Scenario: Requests from the Internet with a private source are dropped, whichever private range it is of
    When requests for the published site arrive from both ends of every private range, and from the addresses beside them
    Then none with a private source passes
    And all others reach the private web server
