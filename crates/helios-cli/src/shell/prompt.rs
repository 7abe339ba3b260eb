//! The prompt: branch and transaction state.

use std::borrow::Cow;

use heliosdb::TransactionStatus;
use nu_ansi_term::Color;
use reedline::{Prompt, PromptEditMode, PromptHistorySearch, PromptHistorySearchStatus};

/// `heliosdb[main]=> `, with `@LSN:0/1A3F` while the session looks back, `*` in a transaction, `!` in a failed one, `->` on further lines.
pub struct BranchPrompt {
    pub branch: String,
    pub transaction: TransactionStatus,
    /// The change number that statements read at, if not the newest.
    pub as_of: Option<u64>,
    pub coloured: bool,
}

impl BranchPrompt {
    /// The prompt up to its arrow, without colours.
    fn name(&self) -> String {
        let mark = match self.transaction {
            TransactionStatus::Idle => "",
            TransactionStatus::Active => "*",
            TransactionStatus::Failed => "!",
        };
        let at = match self.as_of {
            Some(scn) => format!("@LSN:{:X}/{:X}", scn >> 32, scn & 0xffff_ffff),
            None => String::new(),
        };
        format!("heliosdb[{}{at}]{mark}", self.branch)
    }
}

impl Prompt for BranchPrompt {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        if !self.coloured {
            return self.name().into();
        }
        let colour = match self.transaction {
            TransactionStatus::Idle => Color::Green,
            TransactionStatus::Active => Color::Yellow,
            TransactionStatus::Failed => Color::Red,
        };
        colour.paint(self.name()).to_string().into()
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        "".into()
    }

    fn render_prompt_indicator(&self, _mode: PromptEditMode) -> Cow<'_, str> {
        "=> ".into()
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        format!("{}-> ", self.name()).into()
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        let failing = match search.status {
            PromptHistorySearchStatus::Passing => "",
            PromptHistorySearchStatus::Failing => "no match: ",
        };
        format!("({failing}search {}) ", search.term).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(transaction: TransactionStatus, as_of: Option<u64>) -> BranchPrompt {
        BranchPrompt {
            branch: "main".into(),
            transaction,
            as_of,
            coloured: false,
        }
    }

    #[test]
    fn states_show() {
        let left = |prompt: &BranchPrompt| {
            let arrow = prompt.render_prompt_indicator(PromptEditMode::Default);
            format!("{}{arrow}", prompt.render_prompt_left())
        };
        let idle = prompt(TransactionStatus::Idle, None);
        assert_eq!(left(&idle), "heliosdb[main]=> ");
        assert_eq!(
            idle.render_prompt_multiline_indicator(),
            "heliosdb[main]-> "
        );
        let back = prompt(TransactionStatus::Idle, Some(0x1A3F));
        assert_eq!(left(&back), "heliosdb[main@LSN:0/1A3F]=> ");
        let open = prompt(TransactionStatus::Active, None);
        assert_eq!(left(&open), "heliosdb[main]*=> ");
        let failed = prompt(TransactionStatus::Failed, None);
        assert_eq!(left(&failed), "heliosdb[main]!=> ");
    }

    #[test]
    fn colours_tell_the_state() {
        let coloured = |transaction| {
            let mut prompt = prompt(transaction, None);
            prompt.coloured = true;
            prompt.render_prompt_left().into_owned()
        };
        let states = [
            (TransactionStatus::Idle, Color::Green, "heliosdb[main]"),
            (TransactionStatus::Active, Color::Yellow, "heliosdb[main]*"),
            (TransactionStatus::Failed, Color::Red, "heliosdb[main]!"),
        ];
        for (state, colour, name) in states {
            assert_eq!(coloured(state), colour.paint(name).to_string());
        }
    }
}
