//! Reading the lines of a file of rules.

use super::address::Addresses;
use super::{DatabaseName, Method, Rule, UserName, Way};

/// A word, and whether it was quoted, which takes the meaning from keywords.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    text: String,
    quoted: bool,
}

impl Word {
    fn is(&self, keyword: &str) -> bool {
        !self.quoted && self.text == keyword
    }
}

/// All rules of a text; the number of a wrong line, from 1, and what is wrong.
pub(super) fn parse(text: &str) -> Result<Vec<Rule>, (usize, String)> {
    let mut rules = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let fields = fields(line).map_err(|what| (index + 1, what))?;
        if !fields.is_empty() {
            rules.push(rule(&fields).map_err(|what| (index + 1, what))?);
        }
    }
    Ok(rules)
}

/// The fields of a line, each a list of words between commas.
fn fields(line: &str) -> Result<Vec<Vec<Word>>, String> {
    let mut fields: Vec<Vec<Word>> = Vec::new();
    let mut characters = line.chars().peekable();
    // Whether the next word belongs to the field before it.
    let mut continues = false;
    loop {
        while characters.next_if(|c| c.is_whitespace()).is_some() {}
        let quoted = match characters.peek() {
            None | Some('#') => break,
            Some(',') => {
                characters.next();
                continues = true;
                continue;
            }
            Some(first) => *first == '"',
        };
        let mut word = Word {
            text: String::new(),
            quoted,
        };
        if quoted {
            characters.next();
            loop {
                match characters.next() {
                    Some('"') => break,
                    Some(c) => word.text.push(c),
                    None => return Err("a quotation mark is missing".to_owned()),
                }
            }
        } else {
            let inside = |c: &char| !c.is_whitespace() && !matches!(c, ',' | '#' | '"');
            while let Some(c) = characters.next_if(inside) {
                word.text.push(c);
            }
        }
        match fields.last_mut() {
            Some(field) if continues => field.push(word),
            _ => fields.push(vec![word]),
        }
        continues = false;
    }
    Ok(fields)
}

fn rule(fields: &[Vec<Word>]) -> Result<Rule, String> {
    let mut fields = fields.iter();
    let mut next = |what: &str| {
        let field = fields.next();
        field.ok_or_else(|| format!("the {what} is missing"))
    };
    let way = match single(next("kind of connection")?)? {
        word if word.is("local") => Way::Local,
        word if word.is("host") => Way::Any,
        word if word.is("hostssl") => Way::Encrypted,
        word if word.is("hostnossl") => Way::Plain,
        word => return Err(format!("\"{}\" is no kind of connection", word.text)),
    };
    let databases = next("database")?.iter().filter_map(database).collect();
    let users = next("user")?.iter().map(user).collect::<Result<_, _>>()?;
    let mut addresses = Addresses::All;
    let mut method = None;
    if way != Way::Local {
        let address = single(next("address")?)?;
        let word = single(next("method")?)?;
        let is_mask = word.text.parse::<std::net::IpAddr>().is_ok();
        addresses = Addresses::parse(&address.text, is_mask.then_some(&*word.text))?;
        if !is_mask {
            method = Some(word);
        }
    }
    let method = match method {
        Some(method) => method,
        None => single(next("method")?)?,
    };
    let method = match &*method.text {
        "trust" => Method::Trust,
        "reject" => Method::Reject,
        "scram-sha-256" => Method::Scram,
        other => {
            return Err(format!(
                "method \"{other}\" is not supported; there are scram-sha-256, trust and reject"
            ));
        }
    };
    if let Some(extra) = fields.next() {
        let text: Vec<&str> = extra.iter().map(|word| &*word.text).collect();
        return Err(format!("option \"{}\" is not supported", text.join(",")));
    }
    Ok(Rule {
        way,
        databases,
        users,
        addresses,
        method,
    })
}

fn single(field: &[Word]) -> Result<&Word, String> {
    match field {
        [word] => Ok(word),
        _ => Err("a list where one word is wanted".to_owned()),
    }
}

/// `None` for what never fits here.
fn database(word: &Word) -> Option<DatabaseName> {
    if word.is("all") {
        return Some(DatabaseName::All);
    }
    if word.is("sameuser") {
        return Some(DatabaseName::SameUser);
    }
    if word.is("replication") {
        return None;
    }
    let (database, branch) = match word.text.split_once('@') {
        Some((database, branch)) => (database, Some(branch.to_owned())),
        None => (&*word.text, None),
    };
    Some(DatabaseName::Named {
        database: database.to_owned(),
        branch,
    })
}

fn user(word: &Word) -> Result<UserName, String> {
    if word.is("all") {
        return Ok(UserName::All);
    }
    if word.quoted {
        return Ok(UserName::Named(word.text.clone()));
    }
    match word.text.strip_prefix('+') {
        Some(role) => Ok(UserName::MemberOf(role.to_owned())),
        None if word.text.starts_with('@') => {
            Err("lists of names in other files are not supported".to_owned())
        }
        None => Ok(UserName::Named(word.text.clone())),
    }
}
