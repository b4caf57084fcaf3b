Feature: The platform is built as planned
  One tagged layer 2 carries every network of the plan, each host stands where the plan says, and nothing of the lab
  reaches beyond it.

  @SNS-PLAT-06 @each_cluster @needs_raw_frames
  Scenario: After the join nobody answers for the second firewall's former address
    Given the provider's gateway resolves the firewall's public address
    When the provider's gateway asks who has each released address of the block
    Then nobody answers
