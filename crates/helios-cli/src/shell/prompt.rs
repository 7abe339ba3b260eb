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
