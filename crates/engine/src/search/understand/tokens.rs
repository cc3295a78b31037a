//! The words of a query one by one, with what they are compared by.
//!
//! Chinese is written without blanks: what means something to a filter is cut out of it, the rest stands letter by letter.

use std::ops::Range;

use sightline_catalog::fold_name;

/// A word, or a piece of one.
#[derive(Debug, Clone)]
pub(super) struct Token<'a> {
    /// As typed, with the marks around it.
    pub text: &'a str,
    /// Without them.
    pub word: &'a str,
    /// Its words without accents and case; see [`fold_name`].
    pub key: String,
    /// Where `word` is in the query.
    pub place: Range<usize>,
    /// Whether it follows the one before without a blank.
    pub is_glued: bool,
    /// Whether something other than blanks comes before it: it stands with no other word.
    pub is_apart: bool,
    /// Whether a mark that ends something follows it.
    pub ends: bool,
}

impl Token<'_> {
    /// Whether it is one of these, which are folded.
    pub fn is_any(&self, words: &[&str]) -> bool {
        words.contains(&self.key.as_str())
    }
}

/// Chinese words that mean something here; of two that begin alike the longer one counts.
const CHINESE: &[&str] = &[
    "年",
    "月",
    "日",
    "号",
    "年前",
    "个月前",
    "月前",
    "周前",
    "星期前",
    "天前",
    "以前",
    "之前",
    "以后",
    "之后",
    "以来",
    "到",
    "至",
    "去年",
    "今年",
    "前年",
    "昨天",
    "今天",
    "前天",
    "上个月",
    "这个月",
    "本月",
    "上月",
    "上周",
    "本周",
    "这周",
    "上周末",
    "这周末",
    "上个周末",
    "春天",
    "夏天",
    "秋天",
    "冬天",
    "春季",
    "夏季",
    "秋季",
    "冬季",
    "春",
    "夏",
    "秋",
    "冬",
    "圣诞节",
    "圣诞",
    "复活节",
    "万圣节",
    "除夕夜",
    "跨年夜",
    "一月",
    "二月",
    "三月",
    "四月",
    "五月",
    "六月",
    "七月",
    "八月",
    "九月",
    "十月",
    "十一月",
    "十二月",
    "年代",
    "没有",
    "不要",
    "不含",
    "截图",
    "截屏",
    "屏幕截图",
    "屏幕快照",
    "星级",
    "星",
    "颗星",
    "以上",
    "及以上",
    "照片",
    "图片",
    "相片",
    "格式",
    "文件",
    "的",
    "在",
    "拍的",
    "拍摄的",
    "和",
    "一个",
    "两",
    "两个",
    "里",
    "那年",
];

/// Whether a letter is written without blanks beside it.
pub(super) fn is_han(letter: char) -> bool {
    matches!(letter, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}')
}

/// Marks that stand around words and mean nothing.
fn is_mark(letter: char) -> bool {
    matches!(
        letter,
        ',' | '.'
            | ';'
            | ':'
            | '!'
            | '?'
            | '('
            | ')'
            | '\''
            | '\u{2019}'
            | '\u{ff0c}'
            | '\u{3002}'
            | '\u{3001}'
            | '\u{ff1b}'
            | '\u{ff1a}'
            | '\u{ff01}'
            | '\u{ff1f}'
            | '\u{ff08}'
            | '\u{ff09}'
    )
}

/// Bytes of the first piece of a word.
fn piece(word: &str) -> usize {
    let Some(first) = word.chars().next() else { return 0 };
    if !is_han(first) {
        return word.find(is_han).unwrap_or(word.len());
    }
    let known = CHINESE.iter().filter(|known| word.starts_with(**known)).map(|known| known.len()).max();
    known.unwrap_or(first.len_utf8())
}

/// The tokens of a query's bare words, which are parts of `query`.
pub(super) fn tokens<'a>(query: &'a str, words: &[&'a str]) -> Vec<Token<'a>> {
    let mut tokens: Vec<Token<'a>> = Vec::new();
    let mut end_before = 0;
    for word in words {
        let start = word.as_ptr() as usize - query.as_ptr() as usize;
        let is_apart = query.get(end_before..start).is_none_or(|between| !between.trim().is_empty());
        let mut at = 0;
        while at < word.len() {
            let text = &word[at..at + piece(&word[at..])];
            let bare = text.trim_matches(is_mark);
            let offset = start + at + (text.len() - text.trim_start_matches(is_mark).len());
            tokens.push(Token {
                text,
                word: bare,
                key: fold_name(bare),
                place: offset..offset + bare.len(),
                is_glued: at > 0,
                is_apart: at == 0 && is_apart,
                ends: text.ends_with(is_mark) && !bare.is_empty(),
            });
            at += text.len();
        }
        end_before = start + word.len();
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_is_cut_where_it_means_something() {
        let cut = |query: &str| tokens(query, &[query]).iter().map(|token| token.text).collect::<Vec<_>>().join("|");
        assert_eq!(cut("2018年柏林没有人的海滩"), "2018|年|柏|林|没有|人|的|海|滩");
        assert_eq!(cut("去年夏天"), "去年|夏天");
        assert_eq!(cut("十二月"), "十二月");
        assert_eq!(cut("IMG_2834.jpg"), "IMG_2834.jpg");
    }

    #[test]
    fn marks_around_words_are_no_part_of_them() {
        let query = "Berlin, 2018!";
        let tokens = tokens(query, &query.split_whitespace().collect::<Vec<_>>());
        assert_eq!((tokens[0].word, tokens[0].key.as_str(), tokens[0].ends), ("Berlin", "berlin", true));
        assert_eq!(&query[tokens[1].place.clone()], "2018");
    }
}
