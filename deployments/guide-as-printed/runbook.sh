# The commands of OVHcloud's guide, as printed and in their order. Not to be run: rempart preflight reads it.

# Configure your OpenStack networking
openstack network create --provider-network-type vrack --provider-segment 0 --disable-port-security stormshield-ext

openstack subnet create --network stormshield-ext --subnet-range 192.168.1.0/29 --dhcp stormshield-ext

openstack network create --provider-network-type vrack --provider-segment 200 --disable-port-security stormshield-vlan200

openstack subnet create --network stormshield-vlan200 --subnet-range 10.200.0.0/16 --dhcp --dns-nameserver <dns_address_ip> stormshield-vlan200

openstack network create --provider-network-type vrack --provider-segment 199 --disable-port-security stormshield-ha

openstack subnet create --network stormshield-ha --subnet-range 192.168.2.0/29 --dhcp --gateway none stormshield-ha

# Deploy the SNS instances
openstack image create --disk-format raw --container-format bare --file ./utm-SNS-EVA-4.8.3-openstack.qcow2 stormshield-SNS-EVA-4.7.6

openstack server create --flavor b3-32 --image stormshield-SNS-EVA-4.7.6 --network stormshield-ext --network stormshield-vlan200 --network stormshield-ha stormshield-1

openstack server create --flavor b3-32 --image stormshield-SNS-EVA-4.7.6 --network stormshield-ext --network stormshield-vlan200 --network stormshield-ha stormshield-2

# Configure the SNS instances
vi /usr/Firewall/ConfigFiles/object

vi /usr/Firewall/ConfigFiles/network

ennetwork

# Configure and secure the SNS management
curl ipinfo.io/ip

# Re-sync the HA configuration
ssh admin@<adresse_ip>

hasync

# Use case 1: gateway
ssh admin@<adresse_ip>
hasyn

openstack keypair create --public-key ~/.ssh/id_rsa.pub <name>

openstack server create --flavor b2-7 --image "Ubuntu 22.04" --network stormshield-vlan200 --key-name <name> ubuntu-webserver

ssh -A admin@<ip_instance>

ssh ubuntu@<adresse_ip>

curl -I https://www.ovh.com/manager/

# Use case 2: NAT
sudo apt-get update
sudo apt-get install -y nginx

curl -I http://<adresse_ip>

ssh admin@<adresse_ip>
hasyn

# Use case 3: IPsec tunnel
ssh admin@<adresse_ip>
hasync

ssh -A admin@<adresse_ip>
ssh ubuntu@<adresse_ip>
ping <adresse_ip>

ssh -A admin@<adresse_ip>
ssh ubuntu@<adresse_ip>
ping <adresse_ip>

# Use case 4: SSL/TLS VPN
ssh admin@<adresse_ip>
hasync

openstack server create --flavor b2-7 --image "Ubuntu 22.04" --network Ext-Net --key-name sguyenne ubuntu-vpn-client

scp ~/Download/openvpn_mobile_client.ovpn ubuntu@<adresse_ip>:~

ssh ubuntu@<adresse_ip>

sudo apt-get update
sudo apt-get install -y openvpn

sudo openvpn --config openvpn_mobile_client.ovpn

ssh ubuntu@<adresse_ip>
ping <adresse_ip>
