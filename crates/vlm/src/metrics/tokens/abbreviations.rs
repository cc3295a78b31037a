//! Words that keep the full stop after them.

/// Abbreviations that keep their full stop whatever follows.
const ALWAYS: &[&str] = &[
    "adj", "adm", "adv", "al", "ala", "alex", "apr", "ariz", "assn", "assoc", "asst", "atty", "aug", "ave", "bancorp",
    "bhd", "bldg", "blvd", "brig", "bros", "calif", "capt", "cf", "cie", "cmdr", "co", "col", "colo", "comdr", "conn",
    "corp", "cos", "cpl", "ct", "dak", "dec", "dept", "det", "dr", "drs", "elec", "esq", "est", "etc", "ext", "feb",
    "fla", "fri", "ft", "ga", "gen", "gov", "govs", "hon", "inc", "ind", "insp", "intl", "invt", "jan", "jos", "jr",
    "jul", "jun", "kan", "kans", "ky", "lieut", "lt", "ltd", "maj", "mar", "md", "messrs", "mfg", "mich", "minn",
    "mlle", "mme", "mo", "mon", "mont", "mr", "mrs", "ms", "msgr", "mt", "natl", "neb", "nev", "nov", "oct", "okla",
    "penn", "pfc", "ph", "plc", "pres", "prof", "pte", "pty", "pvt", "rd", "rep", "reps", "rev", "rt", "sen", "sens",
    "sep", "sept", "seq", "sgt", "sq", "sr", "st", "ste", "supt", "sys", "tel", "tenn", "thu", "thurs", "treas", "tue",
    "univ", "va", "vs", "vt", "wed", "wis", "wisc", "wm", "wyo",
];

/// Abbreviations only with a capital: in lower case they are words.
const CAPITALISED: &[&str] = &["ark", "az", "del", "ill", "la", "mass", "miss", "ore", "pa", "tex", "wash"];

/// Abbreviations only before a number.
const BEFORE_NUMBER: &[&str] = &["art", "ca", "fig", "figs", "no", "nos", "op", "pp", "prop"];

/// Words that start a sentence when they follow a single letter and a full stop, so that the letter is not an
/// initial.
const SENTENCE_STARTERS: &[&str] = &[
    "a",
    "about",
    "according",
    "after",
    "an",
    "as",
    "at",
    "but",
    "earlier",
    "he",
    "her",
    "here",
    "however",
    "if",
    "in",
    "it",
    "last",
    "many",
    "more",
    "now",
    "once",
    "one",
    "other",
    "our",
    "she",
    "since",
    "so",
    "some",
    "such",
    "that",
    "the",
    "their",
    "then",
    "there",
    "these",
    "they",
    "this",
    "we",
    "what",
    "when",
    "while",
    "yet",
    "you",
];

/// Whether a word keeps the full stop that follows it, given the text after the full stop.
pub(super) fn keeps_stop(word: &[char], after: &[char]) -> bool {
    let lower: String = word.iter().collect::<String>().to_lowercase();
    let listed = |list: &[&str]| list.contains(&lower.as_str());
    if listed(ALWAYS) {
        return true;
    }
    if listed(CAPITALISED) {
        return word.first().is_some_and(|c| c.is_uppercase());
    }
    listed(BEFORE_NUMBER) && after.iter().find(|c| !c.is_whitespace()).is_some_and(char::is_ascii_digit)
}

/// Whether the text after a full stop is white space and a capitalised word that starts a sentence.
pub(super) fn starts_sentence(after: &[char]) -> bool {
    let blanks = super::run(after, char::is_whitespace);
    let word = &after[blanks..];
    let word = &word[..super::run(word, super::is_word)];
    if blanks == 0 || !word.first().is_some_and(|c| c.is_uppercase()) {
        return false;
    }
    let lower: String = word.iter().collect::<String>().to_lowercase();
    SENTENCE_STARTERS.contains(&lower.as_str())
}
