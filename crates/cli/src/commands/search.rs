//! `sightline search QUERY`

use clap::Args;
use serde_json::{Value, json};
use sightline_engine::search::{
    Beyond, Chip, ChipMeaning, Day, Hit, Interpretation, SearchReply, SearchRequest, Unknown, UnknownKind, When,
};
use sightline_engine::{DateSource, Filter, Match};

use crate::Outcome;
use crate::args::Global;
use crate::output::{Output, Tone, put_path, shown};
use crate::setup;

/// Find photos by what they show
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sightline search a dog in the snow            a plain sentence is understood as a whole
  sightline search -- dog -cat                  a dog, and no cat; -2*cat also takes away what may be a cat
  sightline search 'beach 2*sunset'             the sunset counts twice
  sightline search '\"red car\" -\"blue sky\"'      quotes keep words together
  sightline search 'like:photo.jpg -snow'       like this photo, without the snow
  sightline search 'boat after:2021-06 before:2022 camera:\"x100v\" lens:\"23 mm\" type:png'
      after: and before: take 2021, 2021-06 or 2021-06-30; after: includes that day
  sightline search 'in:Lisbon rating>=4'        taken in Lisbon, or in a folder of that name; four stars or five
      in: takes a town, a region, a country, a folder or an album, in:\"New York\" in quotes; rating takes
      : = > < >= <= and 0 to 5, or -1 for photos that were rejected; without a rating counts as 0
  sightline search 'Berlin summer 2015 5 stars without people'
      dates, places, folders, albums, cameras and file names of the library, stars, raw, screenshots and
      what is not wanted are understood as such; --plain turns that off
  sightline search '#travel'                    with this keyword")]
pub(crate) struct Search {
    /// Show at most this many photos
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// After all matches show so many photos more that are less likely, in order
    #[arg(long, value_name = "N", default_value_t = 0)]
    less_likely: u32,
    /// Take all words for what a photo shows, also those that name a date, a place, a camera or a file
    #[arg(long)]
    plain: bool,
    /// What to look for: words, -words, 2*words, "a phrase", like:FILE, and the filters after:,
    /// before:, camera:, lens:, in:, rating: and type:
    #[arg(required = true, value_name = "QUERY")]
    query: Vec<String>,
}

impl Search {
    /// The query as one text; a shell may have split it into words.
    pub fn query(&self) -> String {
        let words: Vec<&str> = self.query.iter().map(|word| word.trim()).collect();
        words.join(" ")
    }

    pub fn run(&self, global: &Global, output: Output) -> anyhow::Result<Outcome> {
        let engine = setup::reader(global)?;
        let query = self.query();
        let base = std::env::current_dir()?;
        let (limit, less_likely) = (self.limit as usize, self.less_likely as usize);
        let filter = Filter::default();
        let reading = if self.plain { Interpretation::Plain } else { Interpretation::now(&[]) };
        let request = SearchRequest { query: &query, limit, less_likely, base: &base, filter: &filter, reading };
        let reply = engine.search(&request)?;
        if !reply.chips.is_empty() {
            let text = format!("understood: {} (--plain takes all words as they are)", understood(&reply.chips));
            if output.json {
                output.note("understood", &text)
            } else {
                output.line(&output.paint(Tone::Quiet, &text))?
            }
        }
        if let Some(unknown) = &reply.unknown {
            let text = nothing_is_called(unknown);
            if output.json {
                output.note("unknown_value", &text)
            } else {
                output.line(&text)?
            }
            return Ok(Outcome::Nothing);
        }
        let outcome = print(output, &reply, &format!("nothing matches {query:?}"))?;
        let matches = reply.hits.iter().filter(|hit| hit.confidence != Match::None).count();
        match reply.beyond {
            Beyond::Matches => {
                let text = format!("{} shown; more match: --limit {} shows more", reply.hits.len(), limit * 5);
                if output.json { output.note("more_matches", &text) } else { output.line(&text)? }
            }
            Beyond::LessLikely if !output.json => {
                let next = less_likely.max(10) * 2;
                let among = crate::output::count(reply.searched as u64, "photo");
                output.line(&format!("{matches} of {among} match; --less-likely {next} shows what comes next"))?;
            }
            Beyond::LessLikely | Beyond::Nothing => {}
        }
        Ok(if matches == 0 { Outcome::Nothing } else { outcome })
    }
}

/// What was understood of a query's words, on a line.
fn understood(chips: &[Chip]) -> String {
    let day = |day: Option<Day>| day.map(|day| day.text());
    let of = |chip: &Chip| match &chip.meaning {
        ChipMeaning::Date(When::Between { from, before }) => match (day(*from), day(*before)) {
            (Some(from), Some(before)) => format!("taken from {from}, before {before}"),
            (Some(from), None) => format!("taken from {from}"),
            (None, before) => format!("taken before {}", before.unwrap_or_default()),
        },
        ChipMeaning::Date(When::EachYear { month, day: None }) => format!("taken in month {month}"),
        ChipMeaning::Date(When::EachYear { month, day: Some(day) }) => format!("taken on {month:02}-{day:02}"),
        ChipMeaning::Place { name, .. } => format!("in {name}"),
        ChipMeaning::Folder { name, .. } => format!("in the folder {name}"),
        ChipMeaning::Album { name, .. } => format!("in the album {name}"),
        ChipMeaning::Camera { name } => format!("camera {name}"),
        ChipMeaning::File { name } => format!("file {name}"),
        ChipMeaning::Stars { least, most } if least == most => format!("rating {least}"),
        ChipMeaning::Stars { least, .. } => format!("rating {least} or more"),
        ChipMeaning::Format { format } => format!("type {format}"),
        ChipMeaning::Raw => "raw files".into(),
        ChipMeaning::Screenshots => "screenshots".into(),
        ChipMeaning::Without { unwanted } => format!("without {}", unwanted.join(", ")),
    };
    chips.iter().map(of).collect::<Vec<_>>().join("; ")
}

/// Why a filter lets nothing through.
fn nothing_is_called(unknown: &Unknown) -> String {
    let value = &unknown.value;
    match unknown.kind {
        UnknownKind::Place => {
            format!("no place and no folder called {value:?} in this library; `sightline status` lists the folders")
        }
        UnknownKind::Camera => format!("no photo in this library is by a camera called {value:?}"),
        UnknownKind::Lens => format!("no photo in this library is through a lens called {value:?}"),
    }
}

/// Prints hits, best first, or says that there is none.
pub(crate) fn print(output: Output, reply: &SearchReply, nothing: &str) -> anyhow::Result<Outcome> {
    if reply.hits.is_empty() {
        let among = crate::output::count(reply.searched as u64, "photo");
        let text = format!("{nothing} among {among}");
        // In JSON mode the results stay one hit a line, so the sentence goes beside them.
        if output.json {
            output.note("nothing_matches", &text)
        } else {
            output.line(&text)?
        }
        return Ok(Outcome::Nothing);
    }
    for hit in &reply.hits {
        if output.json { output.object(&object(hit))? } else { line(output, hit)? }
    }
    Ok(Outcome::Done)
}

fn line(output: Output, hit: &Hit) -> anyhow::Result<()> {
    let (word, tone) = match hit.confidence {
        // Found by filters alone: there is nothing to be sure of.
        _ if hit.score.is_none() => ("        ", Tone::Quiet),
        Match::Strong => ("strong  ", Tone::Good),
        Match::Possible => ("possible", Tone::Fair),
        Match::None => ("less    ", Tone::Quiet),
    };
    let score = hit.score.map_or("     ".into(), |score| format!("{score:.3}"));
    let mut paths = hit.paths.iter().map(|path| shown(path));
    let first = paths.next().unwrap_or_default();
    output.line(&format!("{}  {score}  {first}", output.paint(tone, word)))?;
    if let Some(facts) = facts(hit) {
        output.line(&output.paint(Tone::Quiet, &format!("{:17}{facts}", "")))?;
    }
    for copy in paths {
        output.line(&output.paint(Tone::Quiet, &format!("{:17}{copy}", "= ")))?;
    }
    Ok(())
}

/// When and where it was taken, and its stars, as far as that is known.
fn facts(hit: &Hit) -> Option<String> {
    let date = hit.taken_at.as_deref().map(|date| {
        let day = date.get(..10).unwrap_or(date);
        let guessed = hit.date_source == Some(DateSource::Name);
        if guessed { format!("{day} (guessed from the file name)") } else { day.to_owned() }
    });
    let stars = hit.rating.and_then(|stars| match stars {
        -1 => Some("rejected".to_owned()),
        0 => None,
        stars => Some("\u{2605}".repeat(usize::from(stars.unsigned_abs()))),
    });
    let known: Vec<String> = [date, hit.place.clone(), stars].into_iter().flatten().collect();
    (!known.is_empty()).then(|| known.join(", "))
}

fn object(hit: &Hit) -> Value {
    let mut object = json!({
        "score": hit.score.map(|score| (f64::from(score) * 1e5).round() / 1e5),
        "match": match hit.confidence {
            Match::Strong => "strong",
            Match::Possible => "possible",
            Match::None => "none",
        },
        "taken_at": hit.taken_at,
        "date_source": hit.date_source.map(DateSource::as_str),
        "camera": hit.camera,
        "rating": hit.rating,
        "place": hit.place,
        "width": hit.width,
        "height": hit.height,
    });
    if let Some(path) = hit.paths.first() {
        put_path(&mut object, path);
    }
    if hit.paths.len() > 1 {
        let copies = hit.paths[1..].iter().map(|path| {
            let mut copy = json!({});
            put_path(&mut copy, path);
            copy
        });
        object["copies"] = copies.collect();
    }
    if !hit.companions.is_empty() {
        let companions = hit.companions.iter().map(|companion| {
            let mut object = json!({ "kind": companion.kind.as_str() });
            put_path(&mut object, &companion.path);
            object
        });
        object["companions"] = companions.collect();
    }
    object
}
