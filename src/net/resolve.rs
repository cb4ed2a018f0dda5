//! Names that lead into this machine are refused.

use std::io;
use std::net::{IpAddr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Azure's platform address, which answers on every virtual machine
/// (<https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16>).
const AZURE_WIRE_SERVER: [u8; 4] = [168, 63, 129, 16];

/// A resolver that drops loopback, link-local, unspecified and metadata addresses, so that a host name in a tenant record or a profile
/// cannot be pointed at the machine that runs this program. Only names of the deployment's own are let through.
#[derive(Clone, Debug)]
pub struct PublicNames {
    /// The hosts of `IDENTITY_ENDPOINT` and of the proxies, as far as set.
    pub trusted: Vec<String>,
}

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        let trusted = self.trusted.iter().any(|host| host == name.as_str());
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addresses: Vec<SocketAddr> = found.filter(|address| trusted || !is_inside(address.ip())).collect();
            if addresses.is_empty() {
                let words = format!("{} has no address outside this machine", name.as_str());
                return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, words).into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Whether an address leads to this machine or its host's metadata services.
#[must_use]
pub fn is_inside(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() || v4.is_broadcast() || v4.octets() == AZURE_WIRE_SERVER
        }
        // fd00:ec2::/32 is where AWS keeps its metadata service (EC2 user guide, "Instance metadata").
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unspecified() || v6.is_unicast_link_local() || v6.segments()[..2] == [0xfd00, 0x0ec2],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_machine_are_inside() {
        for inside in
            ["127.0.0.1", "127.9.9.9", "0.0.0.0", "169.254.169.254", "168.63.129.16", "::1", "fe80::1", "fd00:ec2::254", "::ffff:127.0.0.1"]
        {
            assert!(is_inside(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["20.50.2.1", "10.0.0.4", "2603:1030::1"] {
            assert!(!is_inside(outside.parse().unwrap()), "{outside}");
        }
    }
}
