//! Forms that PostgreSQL 15 was seen to read and write.

use super::*;

fn shown(text: &str, cidr: bool) -> String {
    match Inet::parse(text, cidr) {
        Ok(inet) => {
            let mut out = String::new();
            inet.write(cidr, &mut out);
            out
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn hosts_go_in_and_out() {
    for (input, output) in [
        ("192.168.1.5", "192.168.1.5"),
        ("192.168.1.5/24", "192.168.1.5/24"),
        ("10.1/16", "10.1.0.0/16"),
        ("::", "::"),
        ("::1", "::1"),
        ("::1.2.3.4", "::1.2.3.4"),
        ("::ffff:1.2.3.4/96", "::ffff:1.2.3.4/96"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
        ("fe80::", "fe80::"),
        ("1:0:2::", "1:0:2::"),
    ] {
        assert_eq!(shown(input, false), output);
    }
    for wrong in [
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "1.2.3.4/33",
        ":::",
        "1::2::3",
        "",
        "x",
        "::/129",
    ] {
        assert!(Inet::parse(wrong, false).is_err(), "{wrong}");
    }
}

#[test]
fn networks_go_in_and_out() {
    for (input, output) in [
        ("10", "10.0.0.0/8"),
        ("192.168.1", "192.168.1.0/24"),
        ("192.168/25", "192.168.0.0/25"),
        ("128.1", "128.1.0.0/16"),
        ("224", "224.0.0.0/4"),
        ("::/0", "::/0"),
        ("2001:db8::/32", "2001:db8::/32"),
    ] {
        assert_eq!(shown(input, true), output);
    }
    assert!(Inet::parse("10.0.0.1/8", true).is_err());
}

#[test]
fn networks_hold_and_merge() {
    let inet = |text: &str| Inet::parse(text, false).unwrap();
    assert!(inet("10.0.0.0/8").contains(&inet("10.1.2.3")));
    assert!(!inet("10.0.0.0/8").contains(&inet("10.0.0.0/8")));
    assert!(inet("10.1.0.0/16").overlaps(&inet("10.0.0.0/8")));
    let merged = inet("192.168.1.5/24")
        .merged(&inet("192.168.2.5/24"))
        .unwrap();
    let mut out = String::new();
    merged.write(true, &mut out);
    assert_eq!(out, "192.168.0.0/22");
    assert_eq!(inet("1.2.3.4").plus(256).unwrap(), inet("1.2.4.4"));
    assert!(inet("255.255.255.255").plus(1).is_err());
    assert_eq!(inet("1.2.3.4").minus(&inet("1.2.4.4")).unwrap(), -256);
}

#[test]
fn macs_go_in_and_out() {
    for text in [
        "08:00:2b:01:02:03",
        "08-00-2b-01-02-03",
        "08002b:010203",
        "08002b-010203",
        "0800.2b01.0203",
        "0800-2b01-0203",
        "08002B010203",
        "8:0:2b:1:2:3",
    ] {
        let mut out = String::new();
        write_mac(&parse_mac(text).unwrap(), &mut out);
        assert_eq!(out, "08:00:2b:01:02:03");
    }
    assert!(parse_mac("08:00:2b:01:02").is_err());
    assert!(parse_mac("g8:00:2b:01:02:03").is_err());
    assert!(parse_mac("100:00:2b:01:02:03").is_err());
}
