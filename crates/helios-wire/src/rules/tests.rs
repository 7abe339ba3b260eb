use super::*;

const FILE: &str = r#"
# comment
local   all             all                              trust
host    all             mallory     all                  reject  # out
hostssl "all",helios@dev ada,"+odd" 10.0.0.0/8           scram-sha-256
hostnossl helios        +staff      192.168.1.0 255.255.255.0  scram-sha-256
host    helios          all         ::1/128              scram-sha-256
host    sameuser        all         127.0.0.1/32         trust
"#;

fn rules(text: &str) -> Rules {
    Rules {
        path: PathBuf::new(),
        current: RwLock::new(Arc::new(parse(text).expect("rules"))),
    }
}

fn ask(
    address: Option<&str>,
    encrypted: bool,
    user: &str,
    database: &str,
) -> std::result::Result<Method, String> {
    let (database, branch) = database.split_once('@').unwrap_or((database, ""));
    let visitor = Visitor {
        address: address.map(|text| text.parse().expect("address")),
        encrypted,
        user,
        database,
        branch,
        names: &["helios", "postgres"].map(str::to_owned),
    };
    rules(FILE)
        .method(&visitor, &|role| role == "staff" && user == "bob")
        .map_err(|error| error.message().to_owned())
}

#[test]
fn the_first_rule_that_fits_decides() {
    assert_eq!(ask(None, false, "mallory", "helios"), Ok(Method::Trust));
    let rejected = ask(Some("127.0.0.1"), true, "mallory", "mallory");
    assert!(rejected.is_err_and(|e| e.starts_with("pg_hba.conf rejects")));
    let dev = |encrypted, branch| ask(Some("10.9.9.9"), encrypted, "ada", branch);
    assert_eq!(dev(true, "helios@dev"), Ok(Method::Scram));
    assert!(dev(true, "helios").is_err());
    assert!(dev(true, "helios@main").is_err());
    assert!(dev(false, "helios@dev").is_err_and(|e| e.ends_with("no encryption")));
    assert_eq!(dev(true, "all"), Ok(Method::Scram));
    assert_eq!(
        ask(Some("10.1.1.1"), true, "+odd", "all"),
        Ok(Method::Scram)
    );
    // A rule for one name of the database holds for the others.
    assert_eq!(
        ask(Some("::1"), false, "bob", "postgres"),
        Ok(Method::Scram)
    );
    assert_eq!(dev(true, "postgres@dev"), Ok(Method::Scram));
    assert!(ask(Some("::1"), false, "bob", "other").is_err());
    // Quotes take the meaning of "all" and "+".
    assert!(ask(Some("10.1.1.1"), true, "odd", "all").is_err());
    assert_eq!(
        ask(Some("192.168.1.77"), false, "bob", "helios"),
        Ok(Method::Scram)
    );
    assert!(ask(Some("192.168.1.77"), true, "bob", "helios").is_err());
    assert!(ask(Some("192.168.2.77"), false, "bob", "helios").is_err());
    assert!(ask(Some("192.168.1.77"), false, "eve", "helios").is_err());
    assert_eq!(ask(Some("::1"), true, "eve", "helios"), Ok(Method::Scram));
    assert!(ask(Some("::2"), true, "eve", "helios").is_err());
    assert_eq!(
        ask(Some("127.0.0.1"), false, "eve", "eve"),
        Ok(Method::Trust)
    );
    // The same client through a socket of the other family.
    assert_eq!(
        ask(Some("::ffff:127.0.0.1"), false, "eve", "eve"),
        Ok(Method::Trust)
    );
    assert!(ask(Some("127.0.0.1"), false, "eve", "helios").is_err());
}

#[test]
fn wrong_lines_are_named() {
    for (text, line) in [
        ("local all", 1),
        ("\n\nhost all all trust", 3),
        ("host all all 10.0.0.1 trust", 1),
        ("host all all 10.0.0.1/33 trust", 1),
        ("host all all 10.0.0.0 255.0.255.0 trust", 1),
        ("host all all example.org trust", 1),
        ("host all all all md5", 1),
        ("host all all all scram-sha-256 clientcert=verify-full", 1),
        ("host all \"all all trust", 1),
        ("loc al all all trust", 1),
        ("local all @file trust", 1),
    ] {
        assert_eq!(parse(text).map_err(|(line, _)| line), Err(line), "{text}");
    }
    assert_eq!(parse("# nothing\n  \n"), Ok(Vec::new()));
}

#[test]
fn what_rules_expose_is_known() {
    let exposes = |text| rules(text).exposes();
    assert_eq!(
        exposes("local all all trust\nhost all all 127.0.0.1/32 trust"),
        Exposure::default()
    );
    assert_eq!(
        exposes("hostssl all all 0.0.0.0/0 scram-sha-256"),
        Exposure::default()
    );
    assert!(exposes("host all all all scram-sha-256").plain);
    assert!(exposes("hostssl all all 10.0.0.0/8 trust").trusting);
}
