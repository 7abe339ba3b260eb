//! Letter case, one letter at a time as the C library does it: a letter whose other case is several
//! letters (`ß`) stays as it is, and context (a final sigma) does not count.

/// The upper-case letter.
pub(crate) fn upper(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_uppercase();
    }
    let mut letters = letter.to_uppercase();
    match (letters.next(), letters.next()) {
        (Some(one), None) => one,
        _ => with_iota(letter),
    }
}

/// Greek letters with an iota below become those with an iota beside.
fn with_iota(letter: char) -> char {
    let offset = match u32::from(letter) {
        0x1F80..=0x1F87 | 0x1F90..=0x1F97 | 0x1FA0..=0x1FA7 => 8,
        0x1FB3 | 0x1FC3 | 0x1FF3 => 9,
        _ => 0,
    };
    char::from_u32(u32::from(letter) + offset).unwrap_or(letter)
}

/// The lower-case letter.
pub(crate) fn lower(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_lowercase();
    }
    // Only a dotted capital I becomes two: an i and a combining dot.
    letter.to_lowercase().next().unwrap_or(letter)
}

/// A text in upper case.
pub(crate) fn to_upper(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_uppercase();
    }
    text.chars().map(upper).collect()
}

/// A text in lower case.
pub(crate) fn to_lower(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().map(lower).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_stay_one() {
        assert_eq!(to_upper("straße ŉ ᾳ ǆ"), "STRAßE ŉ ᾼ Ǆ");
        assert_eq!(
            to_lower("İ ΑΣ ÀÉ"),
            "i ας ÀÉ".replace('ς', "σ").replace("ÀÉ", "àé")
        );
    }
}
