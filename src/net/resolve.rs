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
            let addresses = usable(found, trusted);
            if addresses.is_empty() {
                let words = format!("{} has no address outside this machine", name.as_str());
                return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, words).into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// The addresses that may be connected to. What is connected to is what was looked at: the name is not resolved again.
fn usable(found: impl Iterator<Item = SocketAddr>, trusted: bool) -> Vec<SocketAddr> {
    found.filter(|address| trusted || !is_inside(address.ip())).collect()
}

/// Whether an address leads to this machine or its host's metadata services.
#[must_use]
pub fn is_inside(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() || v4.is_broadcast() || v4.octets() == AZURE_WIRE_SERVER
        }
        // An IPv4 address as networks without it reach it (RFC 6052, section 2.1).
        IpAddr::V6(v6) if v6.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0] => {
            let [.., a, b, c, d] = v6.octets();
            is_inside(IpAddr::from([a, b, c, d]))
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
        for inside in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "169.254.169.254",
            "169.254.170.2",
            "168.63.129.16",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fd00:ec2::254",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "64:ff9b::7f00:1",
        ] {
            assert!(is_inside(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["20.50.2.1", "10.0.0.4", "2603:1030::1", "64:ff9b::20.50.2.1", "::ffff:20.50.2.1"] {
            assert!(!is_inside(outside.parse().unwrap()), "{outside}");
        }
    }

    #[test]
    fn of_a_name_with_addresses_on_both_sides_only_those_outside_are_used() {
        let found = ["169.254.169.254:0", "20.50.2.1:0", "[::1]:0", "[fe80::1]:0", "168.63.129.16:0"].map(|text| text.parse().unwrap());
        assert_eq!(usable(found.into_iter(), false), ["20.50.2.1:0".parse().unwrap()]);
        assert_eq!(usable(found.into_iter(), true), found, "the deployment's own");
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_refused_unless_it_is_the_deployments_own() {
        let resolve = async |trusted: &[&str]| {
            let names = PublicNames { trusted: trusted.iter().map(|name| (*name).to_owned()).collect() };
            let found = names.resolve("localhost".parse().unwrap()).await;
            found.map(Iterator::count).map_err(|error| error.to_string())
        };
        assert_eq!(resolve(&[]).await, Err("localhost has no address outside this machine".to_owned()));
        assert_eq!(resolve(&["proxy.contoso.example"]).await, Err("localhost has no address outside this machine".to_owned()));
        assert!(resolve(&["localhost"]).await.is_ok_and(|addresses| addresses > 0));
    }
}
