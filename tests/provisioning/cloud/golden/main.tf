# Written by 'rempart cloud plan --terraform' from deployment.toml: change that, and write this again.
# What carries the tag rempart-guide belongs to it.

terraform {
  required_version = ">= 1.3"
  required_providers {
    openstack = {
      source  = "terraform-provider-openstack/openstack"
      version = ">= 3.0.0, < 4.0.0"
    }
  }
}

variable "cloud" {
  description = "The cloud's name in clouds.yaml"
  type        = string
}

variable "admin_password" {
  type      = string
  sensitive = true
}

provider "openstack" {
  alias  = "gra11"
  cloud  = var.cloud
  region = "GRA11"
}

provider "openstack" {
  alias  = "sbg7"
  cloud  = var.cloud
  region = "SBG7"
}
