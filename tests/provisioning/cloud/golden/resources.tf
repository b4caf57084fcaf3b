data "openstack_networking_network_v2" "sbg7_ext_net" {
  provider = openstack.sbg7
  name     = "Ext-Net"
}

data "openstack_images_image_v2" "sbg7_ubuntu_22_04" {
  provider = openstack.sbg7
  name     = "Ubuntu 22.04"
}

data "openstack_images_image_v2" "gra11_ubuntu_22_04" {
  provider = openstack.gra11
  name     = "Ubuntu 22.04"
}

resource "openstack_compute_keypair_v2" "sbg7_rempart_guide" {
  provider   = openstack.sbg7
  name       = "rempart-guide"
  public_key = "ssh-ed25519 AAAA"
}

resource "openstack_compute_keypair_v2" "gra11_rempart_guide" {
  provider   = openstack.gra11
  name       = "rempart-guide"
  public_key = "ssh-ed25519 AAAA"
}

resource "openstack_images_image_v2" "sbg7_stormshield_sns_eva_4_8_3" {
  provider         = openstack.sbg7
  name             = "stormshield-SNS-EVA-4.8.3"
  local_file_path  = "${path.module}/../utm-SNS-EVA-4.8.3-openstack.qcow2"
  disk_format      = "qcow2"
  container_format = "bare"
  protected        = true
  tags             = ["rempart-guide"]
}

resource "openstack_images_image_v2" "gra11_stormshield_sns_eva_4_8_3" {
  provider         = openstack.gra11
  name             = "stormshield-SNS-EVA-4.8.3"
  local_file_path  = "${path.module}/../utm-SNS-EVA-4.8.3-openstack.qcow2"
  disk_format      = "qcow2"
  container_format = "bare"
  protected        = true
  tags             = ["rempart-guide"]
}

resource "openstack_compute_servergroup_v2" "sbg7_rempart_guide_sbg7" {
  provider = openstack.sbg7
  name     = "rempart-guide/sbg7"
  policies = ["anti-affinity"]
}

resource "openstack_compute_servergroup_v2" "gra11_rempart_guide_gra11" {
  provider = openstack.gra11
  name     = "rempart-guide/gra11"
  policies = ["anti-affinity"]
}

resource "openstack_networking_secgroup_v2" "sbg7_rempart_guide_sbg7" {
  provider    = openstack.sbg7
  name        = "rempart-guide/sbg7"
  description = "rempart-guide: created by rempart"
  tags        = ["rempart-guide"]
}

resource "openstack_networking_secgroup_rule_v2" "sbg7_rempart_guide_sbg7_any_0" {
  provider          = openstack.sbg7
  security_group_id = openstack_networking_secgroup_v2.sbg7_rempart_guide_sbg7.id
  direction         = "ingress"
  ethertype         = "IPv4"
}

resource "openstack_networking_secgroup_v2" "gra11_rempart_guide_gra11" {
  provider    = openstack.gra11
  name        = "rempart-guide/gra11"
  description = "rempart-guide: created by rempart"
  tags        = ["rempart-guide"]
}

resource "openstack_networking_secgroup_rule_v2" "gra11_rempart_guide_gra11_any_0" {
  provider          = openstack.gra11
  security_group_id = openstack_networking_secgroup_v2.gra11_rempart_guide_gra11.id
  direction         = "ingress"
  ethertype         = "IPv4"
}

resource "openstack_networking_secgroup_v2" "sbg7_rempart_guide_ubuntu_vpn_client" {
  provider    = openstack.sbg7
  name        = "rempart-guide/ubuntu-vpn-client"
  description = "rempart-guide: created by rempart"
  tags        = ["rempart-guide"]
}

resource "openstack_networking_secgroup_rule_v2" "sbg7_rempart_guide_ubuntu_vpn_client_tcp_22" {
  provider          = openstack.sbg7
  security_group_id = openstack_networking_secgroup_v2.sbg7_rempart_guide_ubuntu_vpn_client.id
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "tcp"
  port_range_min    = 22
  port_range_max    = 22
}

resource "openstack_networking_network_v2" "sbg7_stormshield_ext" {
  provider              = openstack.sbg7
  name                  = "stormshield-ext"
  description           = "rempart-guide: created by rempart"
  port_security_enabled = true
  mtu                   = 1500
  value_specs           = {
    "provider:network_type"    = "vrack"
    "provider:segmentation_id" = "0"
  }
  tags                  = ["rempart-guide"]
}

resource "openstack_networking_network_v2" "sbg7_stormshield_vlan200" {
  provider              = openstack.sbg7
  name                  = "stormshield-vlan200"
  description           = "rempart-guide: created by rempart"
  port_security_enabled = true
  mtu                   = 1500
  value_specs           = {
    "provider:network_type"    = "vrack"
    "provider:segmentation_id" = "200"
  }
  tags                  = ["rempart-guide"]
}

resource "openstack_networking_network_v2" "sbg7_stormshield_ha" {
  provider              = openstack.sbg7
  name                  = "stormshield-ha"
  description           = "rempart-guide: created by rempart"
  port_security_enabled = true
  mtu                   = 1500
  value_specs           = {
    "provider:network_type"    = "vrack"
    "provider:segmentation_id" = "199"
  }
  tags                  = ["rempart-guide"]
}

resource "openstack_networking_network_v2" "gra11_stormshield_ext" {
  provider              = openstack.gra11
  name                  = "stormshield-ext"
  description           = "rempart-guide: created by rempart"
  port_security_enabled = true
  mtu                   = 1500
  value_specs           = {
    "provider:network_type"    = "vrack"
    "provider:segmentation_id" = "0"
  }
  tags                  = ["rempart-guide"]
}

resource "openstack_networking_network_v2" "gra11_stormshield_vlan201" {
  provider              = openstack.gra11
  name                  = "stormshield-vlan201"
  description           = "rempart-guide: created by rempart"
  port_security_enabled = true
  mtu                   = 1500
  value_specs           = {
    "provider:network_type"    = "vrack"
    "provider:segmentation_id" = "201"
  }
  tags                  = ["rempart-guide"]
}

resource "openstack_networking_network_v2" "gra11_stormshield_ha" {
  provider              = openstack.gra11
  name                  = "stormshield-ha"
  description           = "rempart-guide: created by rempart"
  port_security_enabled = true
  mtu                   = 1500
  value_specs           = {
    "provider:network_type"    = "vrack"
    "provider:segmentation_id" = "198"
  }
  tags                  = ["rempart-guide"]
}

resource "openstack_networking_subnet_v2" "sbg7_stormshield_ext" {
  provider        = openstack.sbg7
  name            = "stormshield-ext"
  description     = "rempart-guide: created by rempart"
  network_id      = openstack_networking_network_v2.sbg7_stormshield_ext.id
  cidr            = "147.135.161.152/29"
  gateway_ip      = "147.135.161.158"
  enable_dhcp     = false
  dns_nameservers = []
  tags            = ["rempart-guide"]

  allocation_pool {
    start = "147.135.161.155"
    end   = "147.135.161.157"
  }
}

resource "openstack_networking_subnet_v2" "sbg7_stormshield_vlan200" {
  provider        = openstack.sbg7
  name            = "stormshield-vlan200"
  description     = "rempart-guide: created by rempart"
  network_id      = openstack_networking_network_v2.sbg7_stormshield_vlan200.id
  cidr            = "10.200.0.0/16"
  gateway_ip      = "10.200.0.1"
  enable_dhcp     = true
  dns_nameservers = ["198.51.100.53"]
  tags            = ["rempart-guide"]

  allocation_pool {
    start = "10.200.1.0"
    end   = "10.200.255.254"
  }
}

resource "openstack_networking_subnet_v2" "sbg7_stormshield_ha" {
  provider        = openstack.sbg7
  name            = "stormshield-ha"
  description     = "rempart-guide: created by rempart"
  network_id      = openstack_networking_network_v2.sbg7_stormshield_ha.id
  cidr            = "192.168.2.0/29"
  no_gateway      = true
  enable_dhcp     = true
  dns_nameservers = []
  tags            = ["rempart-guide"]

  allocation_pool {
    start = "192.168.2.1"
    end   = "192.168.2.2"
  }
}

resource "openstack_networking_subnet_v2" "gra11_stormshield_ext" {
  provider        = openstack.gra11
  name            = "stormshield-ext"
  description     = "rempart-guide: created by rempart"
  network_id      = openstack_networking_network_v2.gra11_stormshield_ext.id
  cidr            = "203.0.113.152/29"
  gateway_ip      = "203.0.113.158"
  enable_dhcp     = false
  dns_nameservers = []
  tags            = ["rempart-guide"]

  allocation_pool {
    start = "203.0.113.155"
    end   = "203.0.113.157"
  }
}

resource "openstack_networking_subnet_v2" "gra11_stormshield_vlan201" {
  provider        = openstack.gra11
  name            = "stormshield-vlan201"
  description     = "rempart-guide: created by rempart"
  network_id      = openstack_networking_network_v2.gra11_stormshield_vlan201.id
  cidr            = "10.201.0.0/16"
  gateway_ip      = "10.201.0.1"
  enable_dhcp     = true
  dns_nameservers = ["198.51.100.53"]
  tags            = ["rempart-guide"]

  allocation_pool {
    start = "10.201.1.0"
    end   = "10.201.255.254"
  }
}

resource "openstack_networking_subnet_v2" "gra11_stormshield_ha" {
  provider        = openstack.gra11
  name            = "stormshield-ha"
  description     = "rempart-guide: created by rempart"
  network_id      = openstack_networking_network_v2.gra11_stormshield_ha.id
  cidr            = "192.168.2.8/29"
  no_gateway      = true
  enable_dhcp     = true
  dns_nameservers = []
  tags            = ["rempart-guide"]

  allocation_pool {
    start = "192.168.2.9"
    end   = "192.168.2.10"
  }
}

resource "openstack_networking_port_v2" "sbg7_stormshield_1_ext" {
  provider              = openstack.sbg7
  name                  = "stormshield-1-ext"
  description           = "rempart-guide: created by rempart"
  network_id            = openstack_networking_network_v2.sbg7_stormshield_ext.id
  port_security_enabled = false
  no_security_groups    = true
  tags                  = ["rempart-guide"]

  fixed_ip {
    subnet_id  = openstack_networking_subnet_v2.sbg7_stormshield_ext.id
    ip_address = "147.135.161.153"
  }
}

resource "openstack_networking_port_v2" "sbg7_stormshield_1_vlan200" {
  provider              = openstack.sbg7
  name                  = "stormshield-1-vlan200"
  description           = "rempart-guide: created by rempart"
  network_id            = openstack_networking_network_v2.sbg7_stormshield_vlan200.id
  port_security_enabled = false
  no_security_groups    = true
  tags                  = ["rempart-guide"]

  fixed_ip {
    subnet_id  = openstack_networking_subnet_v2.sbg7_stormshield_vlan200.id
    ip_address = "10.200.0.1"
  }
}

resource "openstack_networking_port_v2" "sbg7_stormshield_1_ha" {
  provider              = openstack.sbg7
  name                  = "stormshield-1-ha"
  description           = "rempart-guide: created by rempart"
  network_id            = openstack_networking_network_v2.sbg7_stormshield_ha.id
  port_security_enabled = false
  no_security_groups    = true
  tags                  = ["rempart-guide"]

  fixed_ip {
    subnet_id  = openstack_networking_subnet_v2.sbg7_stormshield_ha.id
    ip_address = "192.168.2.3"
  }
}

resource "openstack_networking_port_v2" "sbg7_stormshield_2_ext" {
  provider              = openstack.sbg7
  name                  = "stormshield-2-ext"
  description           = "rempart-guide: created by rempart"
  network_id            = openstack_networking_network_v2.sbg7_stormshield_ext.id
  port_security_enabled = false
  no_security_groups    = true
  tags                  = ["rempart-guide"]

  fixed_ip {
    subnet_id  = openstack_networking_subnet_v2.sbg7_stormshield_ext.id
    ip_address = "147.135.161.154"
  }
}

resource "openstack_networking_port_v2" "sbg7_stormshield_2_vlan200" {
  provider              = openstack.sbg7
  name                  = "stormshield-2-vlan200"
  description           = "rempart-guide: created by rempart"
  network_id            = openstack_networking_network_v2.sbg7_stormshield_vlan200.id
  port_security_enabled = false
  no_security_groups    = true
  tags                  = ["rempart-guide"]

  fixed_ip {
    subnet_id  = openstack_networking_subnet_v2.sbg7_stormshield_vlan200.id
    ip_address = "10.200.0.4"
  }
}

resource "openstack_networking_port_v2" "sbg7_stormshield_2_ha" {
  provider              = openstack.sbg7
  name                  = "stormshield-2-ha"
  description           = "rempart-guide: created by rempart"
  network_id            = openstack_networking_network_v2.sbg7_stormshield_ha.id
  port_security_enabled = false
  no_security_groups    = true
  tags                  = ["rempart-guide"]

  fixed_ip {
    subnet_id  = openstack_networking_subnet_v2.sbg7_stormshield_ha.id
    ip_address = "192.168.2.4"
  }
}

resource "openstack_networking_port_v2" "sbg7_ubuntu_webserver_vlan200" {
  provider              = openstack.sbg7
  name                  = "ubuntu-webserver-vlan200"
  description           = "rempart-guide: created by rempart"
  network_id            = openstack_networking_network_v2.sbg7_stormshield_vlan200.id
  port_security_enabled = true
  security_group_ids    = [openstack_networking_secgroup_v2.sbg7_rempart_guide_sbg7.id]
  tags                  = ["rempart-guide"]

  fixed_ip {
    subnet_id  = openstack_networking_subnet_v2.sbg7_stormshield_vlan200.id
    ip_address = "10.200.0.10"
  }
}

resource "openstack_networking_port_v2" "gra11_stormshield_1_ext" {
  provider              = openstack.gra11
  name                  = "stormshield-1-ext"
  description           = "rempart-guide: created by rempart"
  network_id            = openstack_networking_network_v2.gra11_stormshield_ext.id
  port_security_enabled = false
  no_security_groups    = true
  tags                  = ["rempart-guide"]

  fixed_ip {
    subnet_id  = openstack_networking_subnet_v2.gra11_stormshield_ext.id
    ip_address = "203.0.113.153"
  }
}

resource "openstack_networking_port_v2" "gra11_stormshield_1_vlan201" {
  provider              = openstack.gra11
  name                  = "stormshield-1-vlan201"
  description           = "rempart-guide: created by rempart"
  network_id            = openstack_networking_network_v2.gra11_stormshield_vlan201.id
  port_security_enabled = false
  no_security_groups    = true
  tags                  = ["rempart-guide"]

  fixed_ip {
    subnet_id  = openstack_networking_subnet_v2.gra11_stormshield_vlan201.id
    ip_address = "10.201.0.1"
  }
}

resource "openstack_networking_port_v2" "gra11_stormshield_1_ha" {
  provider              = openstack.gra11
  name                  = "stormshield-1-ha"
  description           = "rempart-guide: created by rempart"
  network_id            = openstack_networking_network_v2.gra11_stormshield_ha.id
  port_security_enabled = false
  no_security_groups    = true
  tags                  = ["rempart-guide"]

  fixed_ip {
    subnet_id  = openstack_networking_subnet_v2.gra11_stormshield_ha.id
    ip_address = "192.168.2.11"
  }
}

resource "openstack_networking_port_v2" "gra11_stormshield_2_ext" {
  provider              = openstack.gra11
  name                  = "stormshield-2-ext"
  description           = "rempart-guide: created by rempart"
  network_id            = openstack_networking_network_v2.gra11_stormshield_ext.id
  port_security_enabled = false
  no_security_groups    = true
  tags                  = ["rempart-guide"]

  fixed_ip {
    subnet_id  = openstack_networking_subnet_v2.gra11_stormshield_ext.id
    ip_address = "203.0.113.154"
  }
}

resource "openstack_networking_port_v2" "gra11_stormshield_2_vlan201" {
  provider              = openstack.gra11
  name                  = "stormshield-2-vlan201"
  description           = "rempart-guide: created by rempart"
  network_id            = openstack_networking_network_v2.gra11_stormshield_vlan201.id
  port_security_enabled = false
  no_security_groups    = true
  tags                  = ["rempart-guide"]

  fixed_ip {
    subnet_id  = openstack_networking_subnet_v2.gra11_stormshield_vlan201.id
    ip_address = "10.201.0.4"
  }
}

resource "openstack_networking_port_v2" "gra11_stormshield_2_ha" {
  provider              = openstack.gra11
  name                  = "stormshield-2-ha"
  description           = "rempart-guide: created by rempart"
  network_id            = openstack_networking_network_v2.gra11_stormshield_ha.id
  port_security_enabled = false
  no_security_groups    = true
  tags                  = ["rempart-guide"]

  fixed_ip {
    subnet_id  = openstack_networking_subnet_v2.gra11_stormshield_ha.id
    ip_address = "192.168.2.12"
  }
}

resource "openstack_networking_port_v2" "gra11_ubuntu_webserver_vlan201" {
  provider              = openstack.gra11
  name                  = "ubuntu-webserver-vlan201"
  description           = "rempart-guide: created by rempart"
  network_id            = openstack_networking_network_v2.gra11_stormshield_vlan201.id
  port_security_enabled = true
  security_group_ids    = [openstack_networking_secgroup_v2.gra11_rempart_guide_gra11.id]
  tags                  = ["rempart-guide"]

  fixed_ip {
    subnet_id  = openstack_networking_subnet_v2.gra11_stormshield_vlan201.id
    ip_address = "10.201.0.10"
  }
}

resource "openstack_networking_port_v2" "sbg7_ubuntu_vpn_client_ext_net" {
  provider              = openstack.sbg7
  name                  = "ubuntu-vpn-client-Ext-Net"
  description           = "rempart-guide: created by rempart"
  network_id            = data.openstack_networking_network_v2.sbg7_ext_net.id
  port_security_enabled = true
  security_group_ids    = [openstack_networking_secgroup_v2.sbg7_rempart_guide_ubuntu_vpn_client.id]
  tags                  = ["rempart-guide"]
}

resource "openstack_compute_instance_v2" "sbg7_stormshield_1" {
  provider     = openstack.sbg7
  name         = "stormshield-1"
  flavor_name  = "b3-32"
  image_id     = openstack_images_image_v2.sbg7_stormshield_sns_eva_4_8_3.id
  key_pair     = openstack_compute_keypair_v2.sbg7_rempart_guide.name
  metadata     = {
    rempart = "rempart-guide"
  }
  user_data    = templatefile("${path.module}/first-boot-sbg7_stormshield_1.sh.tftpl", { admin_password = var.admin_password })
  config_drive = true

  network {
    port = openstack_networking_port_v2.sbg7_stormshield_1_ext.id
  }

  network {
    port = openstack_networking_port_v2.sbg7_stormshield_1_vlan200.id
  }

  network {
    port = openstack_networking_port_v2.sbg7_stormshield_1_ha.id
  }

  scheduler_hints {
    group = openstack_compute_servergroup_v2.sbg7_rempart_guide_sbg7.id
  }
}

resource "openstack_compute_instance_v2" "sbg7_stormshield_2" {
  provider     = openstack.sbg7
  name         = "stormshield-2"
  flavor_name  = "b3-32"
  image_id     = openstack_images_image_v2.sbg7_stormshield_sns_eva_4_8_3.id
  key_pair     = openstack_compute_keypair_v2.sbg7_rempart_guide.name
  metadata     = {
    rempart = "rempart-guide"
  }
  user_data    = templatefile("${path.module}/first-boot-sbg7_stormshield_2.sh.tftpl", { admin_password = var.admin_password })
  config_drive = true

  network {
    port = openstack_networking_port_v2.sbg7_stormshield_2_ext.id
  }

  network {
    port = openstack_networking_port_v2.sbg7_stormshield_2_vlan200.id
  }

  network {
    port = openstack_networking_port_v2.sbg7_stormshield_2_ha.id
  }

  scheduler_hints {
    group = openstack_compute_servergroup_v2.sbg7_rempart_guide_sbg7.id
  }
}

resource "openstack_compute_instance_v2" "sbg7_ubuntu_webserver" {
  provider    = openstack.sbg7
  name        = "ubuntu-webserver"
  flavor_name = "b2-7"
  image_id    = data.openstack_images_image_v2.sbg7_ubuntu_22_04.id
  key_pair    = openstack_compute_keypair_v2.sbg7_rempart_guide.name
  metadata    = {
    rempart = "rempart-guide"
  }

  network {
    port = openstack_networking_port_v2.sbg7_ubuntu_webserver_vlan200.id
  }
}

resource "openstack_compute_instance_v2" "gra11_stormshield_1" {
  provider     = openstack.gra11
  name         = "stormshield-1"
  flavor_name  = "b3-32"
  image_id     = openstack_images_image_v2.gra11_stormshield_sns_eva_4_8_3.id
  key_pair     = openstack_compute_keypair_v2.gra11_rempart_guide.name
  metadata     = {
    rempart = "rempart-guide"
  }
  user_data    = templatefile("${path.module}/first-boot-gra11_stormshield_1.sh.tftpl", { admin_password = var.admin_password })
  config_drive = true

  network {
    port = openstack_networking_port_v2.gra11_stormshield_1_ext.id
  }

  network {
    port = openstack_networking_port_v2.gra11_stormshield_1_vlan201.id
  }

  network {
    port = openstack_networking_port_v2.gra11_stormshield_1_ha.id
  }

  scheduler_hints {
    group = openstack_compute_servergroup_v2.gra11_rempart_guide_gra11.id
  }
}

resource "openstack_compute_instance_v2" "gra11_stormshield_2" {
  provider     = openstack.gra11
  name         = "stormshield-2"
  flavor_name  = "b3-32"
  image_id     = openstack_images_image_v2.gra11_stormshield_sns_eva_4_8_3.id
  key_pair     = openstack_compute_keypair_v2.gra11_rempart_guide.name
  metadata     = {
    rempart = "rempart-guide"
  }
  user_data    = templatefile("${path.module}/first-boot-gra11_stormshield_2.sh.tftpl", { admin_password = var.admin_password })
  config_drive = true

  network {
    port = openstack_networking_port_v2.gra11_stormshield_2_ext.id
  }

  network {
    port = openstack_networking_port_v2.gra11_stormshield_2_vlan201.id
  }

  network {
    port = openstack_networking_port_v2.gra11_stormshield_2_ha.id
  }

  scheduler_hints {
    group = openstack_compute_servergroup_v2.gra11_rempart_guide_gra11.id
  }
}

resource "openstack_compute_instance_v2" "gra11_ubuntu_webserver" {
  provider    = openstack.gra11
  name        = "ubuntu-webserver"
  flavor_name = "b2-7"
  image_id    = data.openstack_images_image_v2.gra11_ubuntu_22_04.id
  key_pair    = openstack_compute_keypair_v2.gra11_rempart_guide.name
  metadata    = {
    rempart = "rempart-guide"
  }

  network {
    port = openstack_networking_port_v2.gra11_ubuntu_webserver_vlan201.id
  }
}

resource "openstack_compute_instance_v2" "sbg7_ubuntu_vpn_client" {
  provider    = openstack.sbg7
  name        = "ubuntu-vpn-client"
  flavor_name = "b2-7"
  image_id    = data.openstack_images_image_v2.sbg7_ubuntu_22_04.id
  key_pair    = openstack_compute_keypair_v2.sbg7_rempart_guide.name
  metadata    = {
    rempart = "rempart-guide"
  }

  network {
    port = openstack_networking_port_v2.sbg7_ubuntu_vpn_client_ext_net.id
  }
}
