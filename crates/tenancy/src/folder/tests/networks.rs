//! `[[network]]`.

use super::*;

const NETWORKS: &str = "[[network]]
cidr = \"192.0.2.0/28\"
factor = 20

[[network]]
cidr = \"2001:db8:40::/44\"
factor = 100

[sender]";

#[test]
fn networks_that_members_share_are_read_and_written_back() {
    let dir = folder(&[("tenant.toml", &TENANT.replace("[sender]", NETWORKS))]);
    let settings = read_folder(dir.path()).unwrap().settings;
    let networks: Vec<_> = settings
        .networks
        .iter()
        .map(|network| (network.cidr.to_string(), network.factor))
        .collect();
    assert_eq!(
        networks,
        [("192.0.2.0/28".into(), 20), ("2001:db8:40::/44".into(), 100)]
    );
    let text = crate::export::tenant_toml(Some("32290413"), &settings);
    fs::write(dir.path().join("tenant.toml"), text).unwrap();
    assert_eq!(read_folder(dir.path()).unwrap().settings, settings);
}

// security.md 67
#[test]
fn a_network_is_narrow_and_its_factor_bounded() {
    for (cidr, reason) in [
        ("192.0.0.0/19", "cidr must be /20 or narrower"),
        ("0.0.0.0/0", "cidr must be /20 or narrower"),
        ("2001:db8::/43", "cidr must be /44 or narrower"),
        ("192.0.2.1/28", "cidr must begin at its first address: 192.0.2.0/28"),
        ("::ffff:192.0.2.0/124", "cidr must be written as IPv4"),
        (
            "192.0.2.7",
            "cidr must be a network as in 192.0.2.0/28, not \"192.0.2.7\"",
        ),
        ("office", "cidr must be a network as in 192.0.2.0/28, not \"office\""),
        ("2001:db8:4f:1::/64", "cidr 2001:db8:4f:1::/64 overlaps one above"),
        ("2001:db8:40::/44", "cidr 2001:db8:40::/44 overlaps one above"),
    ] {
        // The second of two, at its line.
        let network = format!(
            "{}\n[[network]]\ncidr = \"{cidr}\"\nfactor = 2\n\n[sender]",
            NETWORKS.replace("\n[sender]", "")
        );
        assert_eq!(
            with("[sender]", &network),
            [format!("tenant.toml:29: network.{reason}")],
            "{cidr}"
        );
    }
    for factor in ["0", "1", "101", "-2", "2.5", "\"2\""] {
        assert_eq!(
            with("[sender]", &NETWORKS.replace("20\n", &format!("{factor}\n"))),
            ["tenant.toml:22: network.factor must be a whole number from 2 to 100"],
            "{factor}"
        );
    }
    assert_eq!(
        with(
            "[sender]",
            "[[network]]\ncidr = \"192.0.2.0/28\"\nweight = 3\n\n[sender]"
        ),
        [
            "tenant.toml:20: network.factor is missing",
            "tenant.toml:22: unknown key network.weight"
        ]
    );
}
