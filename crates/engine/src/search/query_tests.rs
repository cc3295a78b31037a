use super::*;

fn text(weight: f32, text: &str) -> Term {
    Term { weight, meaning: Meaning::Text(text.into()) }
}

fn terms(query: &str) -> Vec<Term> {
    parse(query).unwrap_or_else(|e| panic!("{query}: {e}")).terms
}

fn column(query: &str) -> usize {
    parse(query).expect_err(query).column
}

#[test]
fn a_plain_query_is_one_phrase() {
    assert_eq!(terms("  a dog   in the snow "), [text(1.0, "a dog in the snow")]);
    assert_eq!(terms("t-shirt at 3:30, AC/DC"), [text(1.0, "t-shirt at 3:30, AC/DC")]);
    assert_eq!(terms("note: \u{732b} 4*4 car").len(), 2);
    assert_eq!(terms("note: a hotel's cat"), [text(1.0, "note: a hotel's cat")]);
}

#[test]
fn signs_and_weights_make_terms() {
    assert_eq!(terms("dog -cat"), [text(1.0, "dog"), text(-1.0, "cat")]);
    assert_eq!(terms("-cat big dog"), [text(1.0, "big dog"), text(-1.0, "cat")]);
    assert_eq!(terms("beach 2*sunset"), [text(1.0, "beach"), text(2.0, "sunset")]);
    assert_eq!(terms("+dog -0.5*\"wet grass\""), [text(1.0, "dog"), text(-0.5, "wet grass")]);
    assert_eq!(terms("\u{201c}red car\u{201d}"), [text(1.0, "red car")]);
}

#[test]
fn photos_are_terms_too() {
    let like = |weight, path: &str| Term { weight, meaning: Meaning::Photo(path.into()) };
    assert_eq!(terms("like:photo.jpg"), [like(1.0, "photo.jpg")]);
    assert_eq!(terms("like:\"my photo.jpg\" -snow"), [like(1.0, "my photo.jpg"), text(-1.0, "snow")]);
    assert_eq!(terms("dog -like:a.png"), [text(1.0, "dog"), like(-1.0, "a.png")]);
    assert_eq!(terms("like:C:\\x.jpg"), [like(1.0, "C:\\x.jpg")]);
}

#[test]
fn filters_are_read_and_leave_the_phrase_alone() {
    let query = parse("red after:2021-06 boat before:2022 camera:\"x100v\" in:/a/b TYPE:JPG").unwrap();
    assert_eq!(query.terms, [text(1.0, "red boat")]);
    let filters = query.filters;
    assert_eq!(filters.after.unwrap().as_str(), "2021-06");
    assert_eq!(filters.before.unwrap().as_str(), "2022");
    assert_eq!(filters.camera.as_deref(), Some("x100v"));
    assert_eq!(filters.inside.as_deref(), Some("/a/b"));
    assert_eq!(filters.format.as_deref(), Some("jpeg"));
    assert!(parse("after:2021").unwrap().terms.is_empty(), "filters alone are a query");
}

#[test]
fn ratings_are_bounds_that_narrow_each_other() {
    for (query, stars) in [
        ("rating>=4", 4..=5),
        ("rating\u{2265}4", 4..=5),
        ("rating=>4", 4..=5),
        ("RATING>3", 4..=5),
        ("rating:5", 5..=5),
        ("rating=3", 3..=3),
        ("rating<=2", -1..=2),
        ("rating<3", -1..=2),
        ("rating:0", 0..=0),
        ("rating:-1", -1..=-1),
        ("rating>=2 rating<=4", 2..=4),
        ("rating>1 beach rating<5 rating>=3", 3..=4),
    ] {
        assert_eq!(parse(query).unwrap().filters.rating, Some(stars), "{query}");
    }
    assert_eq!(terms("rating a film"), [text(1.0, "rating a film")], "a word is a word");
    assert_eq!(terms("beach rating>=4"), [text(1.0, "beach")]);
    let filters = parse("camera:x100v after:2021-06 in:\"New York\" rating>=4 lens:\"23 mm\"").unwrap().filters;
    assert_eq!((filters.inside.as_deref(), filters.lens.as_deref()), (Some("New York"), Some("23 mm")));
}

#[test]
fn whatever_people_type_is_a_query() {
    for (query, words) in [
        ("dog - park", "dog park"),
        ("London \u{2013} Tower Bridge", "London \u{2013} Tower Bridge"),
        ("coffee + cake", "coffee cake"),
        ("dog \"", "dog"),
        ("dog \"\"", "dog"),
        ("the 12\" drum", "the 12\" drum"),
        ("beach: sunset", "beach: sunset"),
        ("mood:happy dog", "mood:happy dog"),
        ("Re:dog", "Re:dog"),
        ("camra:x", "camra:x"),
        ("https://example.com/dog", "https://example.com/dog"),
        ("dog in:", "dog"),
        ("dog after:", "dog"),
        ("dog rating>=", "dog"),
        ("dog rating: ", "dog"),
        ("rating a film", "rating a film"),
        ("dog 2* cat", "dog 2* cat"),
        ("dog 0*cat", "dog 0*cat"),
        ("dog 1.2.3*cat", "dog 1.2.3*cat"),
        ("*", "*"),
    ] {
        let parsed = parse(query).unwrap_or_else(|e| panic!("{query}: {e}"));
        assert_eq!(parsed.terms, [text(1.0, words)], "{query}");
        assert_eq!(parsed.filters, Filters::default(), "{query}");
    }
    assert_eq!(terms("a \"red car"), [text(1.0, "a"), text(1.0, "red car")], "a quote is closed by the end");
    for query in ["", "  ", "-", "+", "\u{2212}", "\"", "- +", "--", "in:", "-\"\""] {
        assert_eq!(parse(query).unwrap_or_else(|e| panic!("{query}: {e}")), Query::default(), "{query}");
    }
    assert_eq!(terms("-cat"), [text(-1.0, "cat")]);
    assert_eq!(parse("dog rating >= 4").unwrap(), parse("dog rating>=4").unwrap());
    assert_eq!(parse("rating > -1 dog").unwrap().filters.rating, Some(0..=5));
}

#[test]
fn errors_point_to_the_place() {
    assert_eq!(column("dog after:2021-13"), 10);
    assert_eq!(column("\u{732b} after:x"), 8);
    assert_eq!(column("dog after:2021 after:2022"), 21);
    assert_eq!(column("dog -in:x"), 4);
    assert_eq!(column("dog 2*in:x"), 4);
    assert_eq!(column("dog type:psd"), 9);
    assert_eq!(column("dog rating>=6"), 12);
    assert_eq!(column("dog rating >= 6"), 14);
    assert_eq!(column("dog rating:many"), 11);
    assert_eq!(column("dog rating>5"), 11);
    assert_eq!(column("rating>=4 rating<3"), 17);
    assert_eq!(column("dog -rating>=4"), 4);
    let shown = parse("dog after:soon").unwrap_err().to_string();
    assert!(shown.ends_with("\n  dog after:soon\n            ^"), "{shown}");
}

#[test]
fn no_input_makes_the_parser_panic() {
    let pieces = [
        "-", "+", "2*", "rating", ">", "=", "\u{2265}", "\"", "\u{201c}", "like:", "in:", "a", " ", "\u{2212}", ".",
        "*", ":", "\n",
    ];
    for a in pieces {
        for b in pieces {
            for c in pieces {
                for d in pieces {
                    parse(&[a, b, c, d].concat()).ok();
                }
            }
        }
    }
}
