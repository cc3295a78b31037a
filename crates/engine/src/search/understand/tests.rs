//! Queries as people type them, with what is understood of each.

use std::collections::HashSet;
use std::sync::Arc;

use sightline_catalog::AlbumId;

use super::*;

/// A Monday.
const TODAY: &str = "2026-11-30";

fn known() -> Known {
    let places = [
        "lisbon",
        "lissabon",
        "portugal",
        "pt",
        "berlin",
        "germany",
        "deutschland",
        "new york",
        "usa",
        "us",
        "nice",
        "orange",
        "reading",
        "cape town",
        "柏林",
        "北京",
        "in",
        "rose",
        "essen",
    ];
    let folder = |name: &str| (fold_name(name), vec![format!("/photos/{name}").into()]);
    let album = |(id, name): (i64, &str)| (fold_name(name), (AlbumId(id), name.to_owned()));
    Known {
        places: places.map(str::to_owned).into_iter().collect::<HashSet<_>>(),
        folders: Arc::new(["Lofoten", "Dogs", "Camera Uploads", "2018", "Summer", "May", "海滩"].map(folder).into()),
        albums: [(1, "Anna & Tom"), (2, "Toskana 2019"), (3, "Flowers"), (4, "March"), (5, "爷爷奶奶")]
            .map(album)
            .into(),
        cameras: ["FUJIFILM X100V", "Apple iPhone 12", "NIKON Z 6", "Canon EOS 5D Mark III"].map(str::to_owned).into(),
    }
}

fn understood_but(query: &str, as_words: &[&str]) -> Understood {
    let (_, words) = crate::search::query::parse_words(query).unwrap();
    let as_words: Vec<String> = as_words.iter().map(|words| (*words).to_owned()).collect();
    let files = ["img_2834.jpg", "dsc00412.arw", "holiday.jpg", "20190704_120000.jpg", "mvi-1188.jpg"];
    let has_file = |name: &str| files.iter().any(|file| file.contains(&name.to_lowercase()));
    read(query, &words, &known(), &has_file, (TODAY.parse().unwrap(), &as_words))
}

/// What was understood on a line, and after a bar the words that are left.
fn shown(understood: &Understood) -> String {
    let day = |day: Option<Day>| day.map(Day::text).unwrap_or_default();
    let chip = |chip: &Chip| match &chip.meaning {
        ChipMeaning::Date(When::Between { from, before }) => format!("date {}..{}", day(*from), day(*before)),
        ChipMeaning::Date(When::EachYear { month, day: None }) => format!("month {month}"),
        ChipMeaning::Date(When::EachYear { month, day: Some(day) }) => format!("month {month} day {day}"),
        ChipMeaning::Place { name, .. } => format!("place {name}"),
        ChipMeaning::Folder { name, .. } => format!("folder {name}"),
        ChipMeaning::Album { name, .. } => format!("album {name}"),
        ChipMeaning::Camera { name } => format!("camera {name}"),
        ChipMeaning::File { name } => format!("file {name}"),
        ChipMeaning::Stars { least, most } => format!("stars {least}-{most}"),
        ChipMeaning::Format { format } => format!("format {format}"),
        ChipMeaning::Raw => "raw".into(),
        ChipMeaning::Screenshots => "screenshots".into(),
        ChipMeaning::Without { unwanted } => format!("without {}", unwanted.join(" & ")),
    };
    let chips: Vec<String> = understood.chips.iter().map(chip).collect();
    format!("{} | {}", chips.join(", "), understood.rest)
}

fn check(table: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (query, expected) in table {
        let shown = shown(&understood_but(query, &[]));
        if shown.trim() != expected.trim() {
            wrong.push(format!("{query}\n    is {shown}\n  not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} queries:\n{}", wrong.len(), table.len(), wrong.join("\n"));
}

/// Each in English, a third in German and in Chinese too.
const TYPED: &[(&str, &str)] = &[
    ("summer 2015", "date 2015-06..2015-09 |"),
    ("Sommer 2015", "date 2015-06..2015-09 |"),
    ("2015年夏天", "date 2015-06..2015-09 |"),
    ("last christmas", "date 2025-12-24..2025-12-27 |"),
    ("letzte Weihnachten", "date 2025-12-24..2025-12-27 |"),
    ("去年圣诞节", "date 2025-12-24..2025-12-27 |"),
    ("June", "month 6 |"),
    ("Juni", "month 6 |"),
    ("6月", "month 6 |"),
    ("2012-2014", "date 2012..2015 |"),
    ("2012 bis 2014", "date 2012..2015 |"),
    ("2012年到2014年", "date 2012..2015 |"),
    ("yesterday", "date 2026-11-29..2026-11-30 |"),
    ("gestern", "date 2026-11-29..2026-11-30 |"),
    ("昨天", "date 2026-11-29..2026-11-30 |"),
    ("Berlin 2018", "place Berlin, date 2018..2019 |"),
    ("2018年柏林", "date 2018..2019, place 柏林 |"),
    ("Lisbon", "place Lisbon |"),
    ("Lissabon", "place Lissabon |"),
    ("photos of new york in 2019", "place new york, date 2019..2020 |"),
    ("dog in Berlin, Germany", "place Berlin, place Germany | dog"),
    ("last summer", "date 2026-06..2026-09 |"),
    ("letzten Sommer am Strand", "date 2026-06..2026-09 | am Strand"),
    ("去年夏天的海滩", "date 2025-06..2025-09 | 海滩"),
    ("two years ago", "date 2024..2025 |"),
    ("vor zwei Jahren", "date 2024..2025 |"),
    ("两年前", "date 2024..2025 |"),
    ("last week", "date 2026-11-23..2026-11-30 |"),
    ("last 3 months", "date 2026-08-30..2026-12 |"),
    ("since 2020", "date 2020.. |"),
    ("before June 2019", "date ..2019-06 |"),
    ("2010年以前", "date ..2010 |"),
    ("June 3, 2015", "date 2015-06-03..2015-06-04 |"),
    ("3. Juni 2015", "date 2015-06-03..2015-06-04 |"),
    ("2015年6月3日", "date 2015-06-03..2015-06-04 |"),
    ("2015-06-03", "date 2015-06-03..2015-06-04 |"),
    ("beach March 2019", "date 2019-03..2019-04 | beach"),
    ("in may", "month 5 |"),
    ("easter 2015", "date 2015-04-03..2015-04-07 |"),
    ("1990s", "date 1990..2000 |"),
    ("Lofoten", "folder Lofoten |"),
    ("Anna & Tom", "album Anna & Tom |"),
    ("Toskana 2019", "album Toskana 2019 |"),
    ("爷爷奶奶", "album 爷爷奶奶 |"),
    ("x100v", "camera x100v |"),
    ("sunset taken with iphone 12", "camera iphone 12 | sunset"),
    ("Canon EOS 5D cats", "camera Canon EOS 5D | cats"),
    ("IMG_2834", "file IMG_2834 |"),
    ("dsc00412.arw", "file dsc00412.arw |"),
    ("holiday.jpg", "file holiday.jpg |"),
    ("5 stars", "stars 5-5 |"),
    ("5 Sterne", "stars 5-5 |"),
    ("五星照片", "stars 5-5 |"),
    ("at least 4 stars", "stars 4-5 |"),
    ("4星以上", "stars 4-5 |"),
    ("raw", "raw |"),
    ("raw photos of mountains", "raw | of mountains"),
    ("screenshots", "screenshots |"),
    ("Bildschirmfotos 2020", "screenshots, date 2020..2021 |"),
    ("截图", "screenshots |"),
    ("beach without people", "without people | beach"),
    ("Strand ohne Menschen", "without Menschen | Strand"),
    ("没有人的海滩", "without 人 | 海滩"),
    ("mountain no snow", "without snow | mountain"),
    ("Berge kein Schnee 2018", "without Schnee, date 2018..2019 | Berge"),
    ("street without cars and people in Lisbon", "without cars & people, place Lisbon | street"),
    ("5 stars raw Lisbon summer 2015", "stars 5-5, raw, place Lisbon, date 2015-06..2015-09 |"),
];

#[test]
fn what_people_type_is_understood() {
    assert!(TYPED.len() >= 60);
    check(TYPED);
}

#[test]
fn words_that_describe_a_photo_stay_words() {
    let queries = [
        "rose",
        "a red rose",
        "may",
        "march",
        "spring flowers",
        "people march in the street",
        "fall leaves",
        "summer dress",
        "christmas tree",
        "raw meat",
        "raw fish on a plate",
        "nice beach",
        "orange cat",
        "reading a book",
        "woman reading",
        "dogs",
        "flowers",
        "two stars in the sky",
        "a five star hotel",
        "no smoking sign",
        "no parking",
        "winter",
        "autumn",
        "easter eggs",
        "sun",
        "new year fireworks",
        "the moon last night",
        "a woman with an iphone",
        "man in orange",
        "half past 2015s",
        "IMG_9999",
        "911 porsche",
        "t-shirt at 3:30",
        "2834",
        "3/4/2015",
        "2031",
        "五星红旗",
        "海滩",
        "春天的花",
        "Mann mit Hund",
        "im Regen",
        "Frau beim Essen",
        "Essen",
        "nothing without",
        "no",
        "ohne",
        "photos",
        "3 dogs",
        "sunday",
        "april's",
        "day",
        "10 people",
        "may flowers in a vase",
        "1200 lights",
        "Camera",
        "summer",
    ];
    for query in queries {
        let understood = understood_but(query, &[]);
        assert!(understood.chips.is_empty(), "{query}: {}", shown(&understood));
        assert_eq!(understood.rest, query, "as it was typed");
    }
}

#[test]
fn a_name_that_is_also_a_word_counts_where_it_is_certain() {
    check(&[
        ("a house in Nice", "place Nice | a house"),
        ("Cape Town 2018", "place Cape Town, date 2018..2019 |"),
        ("cape town", "| cape town"),
        ("in Essen", "place Essen |"),
        ("a man in orange", "| a man in orange"),
    ]);
}

#[test]
fn chips_that_are_taken_off_are_words_again() {
    let query = "summer 2015 beach without people in Lisbon";
    assert_eq!(shown(&understood_but(query, &[])), "date 2015-06..2015-09, without people, place Lisbon | beach");
    let kept = understood_but(query, &["Summer 2015"]);
    assert_eq!(shown(&kept), "without people, place Lisbon | summer 2015 beach", "and no half of it is understood");
    let kept = understood_but(query, &["without people", "lisbon"]);
    assert_eq!(shown(&kept), "date 2015-06..2015-09 | beach without people in Lisbon");
    let all = understood_but(query, &["summer 2015", "without people", "lisbon"]);
    assert_eq!((all.chips.len(), all.rest.as_str()), (0, query));
}

#[test]
fn what_is_written_in_the_language_of_queries_is_left_alone() {
    check(&[
        ("\"summer 2015\" beach", "| beach"),
        ("after:2015 Lisbon", "place Lisbon |"),
        ("summer after:2014 2015", "date 2015..2016 | summer"),
        ("-2015 dog", "| dog"),
        ("new in:x york", "| new york"),
        ("dog -cat Berlin 2018", "place Berlin, date 2018..2019 | dog"),
    ]);
}

#[test]
fn days_are_counted_from_the_day_that_is_given() {
    let on = |today: &str, query: &str| {
        let (_, words) = crate::search::query::parse_words(query).unwrap();
        let understood = read(query, &words, &Known::default(), &|_| false, (today.parse().unwrap(), &[]));
        shown(&understood)
    };
    for (today, query, expected) in [
        ("2026-07-10", "last summer", "date 2025-06..2025-09 |"),
        ("2026-07-10", "this summer", "date 2026-06..2026-09 |"),
        ("2026-12-25", "last christmas", "date 2025-12-24..2025-12-27 |"),
        ("2026-12-27", "last christmas", "date 2026-12-24..2026-12-27 |"),
        ("2026-01-15", "last winter", "date 2024-12..2025-03 |"),
        ("2026-03-31", "last month", "date 2026-02..2026-03 |"),
        ("2026-03-31", "last 1 months", "date 2026-02-28..2026-04 |"),
        ("2026-01-01", "yesterday", "date 2025-12-31..2026 |"),
        ("2026-01-01", "last june", "date 2025-06..2025-07 |"),
        ("2024-02-29", "last year", "date 2023..2024 |"),
        ("2024-02-29", "2025", "| 2025"),
        ("2026-12-02", "last weekend", "date 2026-11-28..2026-11-30 |"),
        ("2026-11-29", "last weekend", "date 2026-11-21..2026-11-23 |"),
        ("2026-11-30", "上个月", "date 2026-10..2026-11 |"),
        ("2026-11-30", "vorgestern", "date 2026-11-28..2026-11-29 |"),
    ] {
        assert_eq!(on(today, query).trim(), expected, "{query} on {today}");
    }
}

#[test]
fn no_words_make_it_panic() {
    let pieces = [
        "",
        "2015",
        "年",
        "6月",
        "last",
        "没有",
        "的",
        "without",
        "no",
        "summer",
        "3.",
        "-",
        "2012-2014",
        ",",
        "5",
        "stars",
        "Berlin",
        "in",
        "vor",
        "zwei",
        "since",
        "IMG_2834",
        "è",
        "raw",
        "at",
        "least",
        "and",
    ];
    for a in pieces {
        for b in pieces {
            for c in pieces {
                understood_but(&format!("{a} {b} {c}"), &[]);
                understood_but(&format!("{a}{b}{c}"), &[]);
            }
        }
    }
}
