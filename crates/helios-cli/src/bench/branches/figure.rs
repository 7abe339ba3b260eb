//! What was measured, for people and for programs.

use std::io::{self, Write};

use super::peer::Peer;
use crate::args::BranchBenchArgs;
use crate::report;

/// One figure to be told.
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// In what.
    pub unit: &'static str,
    /// The figure.
    pub ours: f64,
    /// What the figure is compared with: the peer, or the same without branches or history.
    pub than: Than,
    /// What is wanted.
    pub goal: Option<Goal>,
}

/// The most that is wanted.
#[derive(Clone, Copy)]
pub enum Goal {
    /// A multiple of what the figure is compared with.
    Times(f64),
    /// An amount.
    AtMost(f64),
}

/// What a figure is compared with.
pub enum Than {
    /// DoltLite's figure of this name, if it ran.
    Peer(&'static str),
    /// A figure of our own.
    Own(f64),
    /// Nothing.
    Nothing,
}

/// Tells figures as they come.
pub struct Figures {
    json: bool,
    first: bool,
    peer: Option<Peer>,
}

impl Figures {
    pub fn new(args: &BranchBenchArgs, peer: Option<Peer>) -> Self {
        let json = args.output.json;
        if json {
            print!("[");
        } else {
            let beside = peer.as_ref().map_or(String::new(), |peer| {
                format!(" beside DoltLite {}", peer.version)
            });
            println!(
                "HeliosDB {}{beside}, {} rows",
                env!("CARGO_PKG_VERSION"),
                report::thousands(args.rows)
            );
            println!(
                "{:<58}{:>12}{:>12}{:>8}{:>9}",
                "", "HeliosDB", "beside", "ratio", "goal"
            );
        }
        Self {
            json,
            first: true,
            peer,
        }
    }

    /// Tells one.
    pub fn add(&mut self, figure: &Figure) {
        let (than, beside) = match figure.than {
            Than::Peer(name) => match self.peer.as_ref().and_then(|peer| peer.get(name)) {
                Some(theirs) => (Some(theirs), "doltlite"),
                None => (None, ""),
            },
            Than::Own(own) => (Some(own), "self"),
            Than::Nothing => (None, ""),
        };
        let ratio = than.map(|than| figure.ours / than);
        let met = match figure.goal {
            Some(Goal::Times(times)) => ratio.map(|ratio| ratio <= times),
            Some(Goal::AtMost(most)) => Some(figure.ours <= most),
            None => None,
        };
        if self.json {
            self.line(figure, than, beside, ratio, met);
            return;
        }
        let shown = |number: Option<f64>| number.map_or(String::new(), short);
        let goal = goal_text(figure.goal);
        println!(
            "{:<58}{:>12}{:>12}{:>8}{goal:>9}{}",
            format!("{}, {}", figure.name, figure.unit),
            short(figure.ours),
            shown(than),
            shown(ratio),
            if met == Some(false) { " lost" } else { "" }
        );
        let _ = io::stdout().flush();
    }

    fn line(
        &mut self,
        figure: &Figure,
        than: Option<f64>,
        beside: &str,
        ratio: Option<f64>,
        met: Option<bool>,
    ) {
        let number = |number: Option<f64>| number.map_or("null".to_owned(), |n| n.to_string());
        let met = met.map_or("null".to_owned(), |met| met.to_string());
        println!("{}", if self.first { "" } else { "," });
        self.first = false;
        // The names are ours and need no escapes.
        let goal = goal_text(figure.goal);
        print!(
            "{{\"case\":\"{}\",\"unit\":\"{}\",\"helios\":{},\"beside\":\"{beside}\",\
             \"than\":{},\"ratio\":{},\"goal\":\"{goal}\",\"met\":{met}}}",
            figure.name,
            figure.unit,
            figure.ours,
            number(than),
            number(ratio),
        );
        let _ = io::stdout().flush();
    }

    /// Ends the list.
    pub fn end(&self) {
        if self.json {
            println!("\n]");
        }
    }
}

/// Three digits or so.
fn short(number: f64) -> String {
    match number.abs() {
        n if n >= 100.0 => format!("{number:.0}"),
        n if n >= 10.0 => format!("{number:.1}"),
        n if n >= 0.1 || n == 0.0 => format!("{number:.2}"),
        _ => format!("{number:.4}"),
    }
}

fn goal_text(goal: Option<Goal>) -> String {
    match goal {
        Some(Goal::Times(times)) => format!("≤ {}×", short(times)),
        Some(Goal::AtMost(most)) => format!("≤ {}", short(most)),
        None => String::new(),
    }
}
