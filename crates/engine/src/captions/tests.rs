//! Whole flows of captions, with a fake model.

use std::sync::atomic::Ordering;

use super::*;
use crate::jobs::{JobControl, JobEvent};
use crate::testing::{BLUE, GREEN, RED, World};

fn indexed() -> World {
    let world = World::new();
    world.photo("red.jpg", RED, 0);
    world.photo("green.jpg", GREEN, 0);
    world.photo("blue.jpg", BLUE, 0);
    world.index();
    world
}

fn run(world: &World, job: &mut CaptionJob) -> Result<CaptionSummary, EngineError> {
    world.engine().run_job(job, &JobControl::new(), &|_: JobEvent| {})?;
    Ok(job.summary.clone())
}

fn job(overwrite: Overwrite) -> CaptionJob {
    CaptionJob::new(CaptionScope::All, overwrite, &Search::default())
}

fn photo(world: &World, name: &str) -> PhotoId {
    world.search(name).unwrap().hits[0].photo
}

#[test]
fn all_photos_are_described_once_and_a_persons_words_stay() {
    let world = indexed();
    let engine = world.engine();
    let red = photo(&world, "red");
    engine.write_caption(red, "  Rex at the lake ").unwrap();
    let summary = run(&world, &mut job(Overwrite::Never)).unwrap();
    assert_eq!(summary, CaptionSummary { photos: 3, described: 2, unsure: 0, failed: 0 });
    let green = engine.caption(photo(&world, "green")).unwrap().unwrap();
    assert_eq!((green.text.as_str(), green.author), ("A green seen.", CaptionAuthor::Machine));
    assert!(green.confidence.is_some() && green.model.is_some());
    assert_eq!(engine.caption(red).unwrap().unwrap().text, "Rex at the lake");
    let before = world.fake.embedded();
    assert_eq!(run(&world, &mut job(Overwrite::Machine)).unwrap().described, 0, "the same model says the same");
    assert_eq!(world.fake.embedded(), before);
    let other = Search { beam: 5, ..Search::default() };
    let summary = run(&world, &mut CaptionJob::new(CaptionScope::All, Overwrite::Machine, &other)).unwrap();
    assert_eq!(summary.described, 2);
    assert_eq!(run(&world, &mut job(Overwrite::All)).unwrap().described, 3);
    engine.undo_caption(red).unwrap();
    assert_eq!(engine.caption(red).unwrap().unwrap().text, "Rex at the lake");
}

#[test]
fn an_album_or_a_selection_is_described_alone() {
    let world = indexed();
    let engine = world.engine();
    let (red, green) = (photo(&world, "red"), photo(&world, "green"));
    let album = engine.create_album("A", &[green]).unwrap();
    let summary =
        run(&world, &mut CaptionJob::new(CaptionScope::Album(album.id.0), Overwrite::Never, &Search::default()));
    assert_eq!(summary.unwrap(), CaptionSummary { photos: 1, described: 1, unsure: 0, failed: 0 });
    let scope = CaptionScope::Photos(vec![red.0, green.0]);
    let summary = run(&world, &mut CaptionJob::new(scope, Overwrite::Never, &Search::default())).unwrap();
    assert_eq!((summary.photos, summary.described), (2, 1));
}

#[test]
fn a_job_that_is_stopped_goes_on_where_it_was() {
    let world = indexed();
    for number in 0..60 {
        world.photo(&format!("more/{number}.jpg"), RED, number);
    }
    world.index();
    world.fake.delay_ms.store(20, Ordering::SeqCst);
    let control = JobControl::new();
    let stop = |event| {
        if matches!(event, JobEvent::Progress(progress) if progress.done > 0) {
            control.cancel();
        }
    };
    let engine = world.engine();
    let mut first = job(Overwrite::Never);
    engine.run_job(&mut first, &control, &stop).ok();
    let total =
        engine.browse(&sightline_catalog::Filter::default(), sightline_catalog::DateOrder::NewestFirst).unwrap();
    assert!(first.summary.described < total.len() as u64);
    let second = run(&world, &mut job(Overwrite::Never)).unwrap();
    assert_eq!(first.summary.described + second.described, total.len() as u64);
}

#[test]
fn a_missing_file_is_reported_and_the_others_are_described() {
    let world = indexed();
    std::fs::remove_file(world.path("green.jpg")).unwrap();
    let failed = std::sync::Mutex::new(Vec::new());
    let listen = |event| {
        if let JobEvent::ItemFailed { path, code, .. } = event {
            failed.lock().unwrap().push((path, code));
        }
    };
    let mut job = job(Overwrite::Never);
    world.engine().run_job(&mut job, &JobControl::new(), &listen).unwrap();
    assert_eq!((job.summary.described, job.summary.failed), (2, 1));
    assert_eq!(failed.into_inner().unwrap()[0].0, world.path("green.jpg"));
}

#[test]
fn a_caption_is_told_token_by_token_and_blank_ones_are_refused() {
    let world = indexed();
    let engine = world.engine();
    let red = photo(&world, "red");
    let mut heard = Vec::new();
    let judged = engine.describe_photo(red, &Search::default(), |so_far| heard.push(so_far.text)).unwrap();
    assert_eq!(heard, ["A", "A red", "A red seen."]);
    assert_eq!(engine.caption(red).unwrap().unwrap().text, judged.caption.text);
    assert_eq!(engine.write_caption(red, " \n").unwrap_err().code(), "caption_empty");
}

#[test]
fn the_words_of_captions_find_photos_before_those_that_only_look_like_it() {
    let world = indexed();
    let engine = world.engine();
    let (red, green, blue) = (photo(&world, "red"), photo(&world, "green"), photo(&world, "blue"));
    engine.write_caption(blue, "Rex by a red door").unwrap();
    assert_eq!(world.found("red"), ["blue.jpg", "red.jpg"], "a person's words come first");
    assert_eq!(world.found("the doors"), ["blue.jpg"], "whatever the ending");
    assert_eq!(world.found("red -rex"), ["red.jpg"]);
    // The model says of the green photo that it is red: possible, for it does not look so.
    let mut lie = engine.describe_file(&world.path("green.jpg"), &Search::default(), drop).unwrap();
    lie.caption.text = "A red thing.".into();
    assert!(engine.keep_caption(green, &lie, &Search::default(), Overwrite::All).unwrap());
    let reply = world.search("red").unwrap();
    let found: Vec<_> = reply.hits.iter().map(|hit| (hit.photo, hit.confidence)).collect();
    use sightline_vlm::Match::{Possible, Strong};
    assert_eq!(found, [(blue, Strong), (red, Strong), (green, Possible)]);
    // Filters hold for words too.
    assert_eq!(world.found("door after:1990"), Vec::<String>::new());
}

#[test]
fn a_sentence_that_does_not_fit_is_a_guess_that_nobody_sees_as_a_caption() {
    let world = indexed();
    let engine = world.engine();
    let (red, green) = (photo(&world, "red"), photo(&world, "green"));
    engine.write_caption(green, "Rex on the lawn").unwrap();
    world.fake.lies.store(true, Ordering::SeqCst);
    let summary = run(&world, &mut job(Overwrite::Never)).unwrap();
    assert_eq!(summary, CaptionSummary { photos: 3, described: 2, unsure: 2, failed: 0 });
    assert_eq!(engine.caption(red).unwrap(), None);
    assert_eq!(engine.caption_history(red).unwrap()[0].text, "A green seen.");
    assert!(engine.caption_history(red).unwrap()[0].is_guess());
    assert_eq!(engine.write_out_preview(red).unwrap_err().code(), "caption_empty");
    assert_eq!(world.found("seen"), Vec::<String>::new());
    assert_eq!(engine.captions_to_review(10).unwrap().len(), 2);
    // What it decided is kept: another run looks at nothing.
    let before = world.fake.embedded();
    assert_eq!(run(&world, &mut job(Overwrite::Machine)).unwrap().described, 0);
    assert_eq!(world.fake.embedded(), before);
    // Asked for by hand it is no surer, and a person's caption stays.
    let judged = engine.describe_photo(green, &Search::default(), drop).unwrap();
    assert!(!judged.is_shown && judged.fit < 1.0, "{judged:?}");
    assert_eq!(engine.caption(green).unwrap().unwrap().text, "Rex on the lawn");
    world.fake.lies.store(false, Ordering::SeqCst);
    let judged = engine.describe_photo(red, &Search::default(), drop).unwrap();
    assert!(judged.is_shown && judged.fit >= 1.0, "{judged:?}");
    assert_eq!(engine.caption(red).unwrap().unwrap().text, "A red seen.");
    engine.undo_caption(red).unwrap();
    assert_eq!(engine.caption(red).unwrap(), None, "the guess before it is no caption either");
}

/// A photo in whose EXIF a person's sentence stands.
fn with_description(words: &str) -> Vec<u8> {
    let text = [words.as_bytes(), &[0]].concat();
    let entry = [&[0x0e, 0x01, 2, 0], (text.len() as u32).to_le_bytes().as_slice(), &26u32.to_le_bytes()].concat();
    let tiff = [b"II*\0\x08\0\0\0\x01\0".as_slice(), &entry, &[0; 4], &text].concat();
    let content = [b"Exif\0\0".as_slice(), &tiff].concat();
    let length = (content.len() as u16 + 2).to_be_bytes();
    let photo = crate::testing::jpeg(RED, 0);
    [&photo[..2], &[0xff, 0xe1], &length, &content, &photo[2..]].concat()
}

#[test]
fn the_models_sentence_is_not_put_beside_a_persons_in_another_field_unless_asked() {
    let world = World::new();
    let path = world.path("grandmother.jpg");
    std::fs::write(&path, with_description("Wilhelmina opens the parcel")).unwrap();
    let sidecar = world.path("grandmother.jpg.xmp");
    let caption = |overwrite, to| {
        let (paths, search) = (vec![path.clone()], Search::default());
        let task = CaptionFiles { paths, search, overwrite, save: false, write: Some(to) };
        let (engine, control, mut files) = (world.engine(), JobControl::new(), Vec::new());
        let cx = crate::jobs::JobCx::without_row(&engine, &control, &|_| {});
        task.run(&cx, |file| {
            files.push(file);
            Ok(())
        })
        .unwrap();
        files.remove(0)
    };
    let before = std::fs::read(&path).unwrap();
    for overwrite in [Overwrite::Never, Overwrite::Machine] {
        for to in [WriteTo::Sidecar, WriteTo::File] {
            let file = caption(overwrite, to);
            assert_eq!((file.text.as_deref(), file.author), (Some("Wilhelmina opens the parcel"), CaptionAuthor::File));
            assert_eq!(file.written_to, None);
        }
    }
    assert!(!sidecar.exists() && std::fs::read(&path).unwrap() == before);
    assert_eq!(caption(Overwrite::All, WriteTo::Sidecar).written_to, Some(sidecar), "that is asked for");
    // The library has it as the file's caption, and shows it before anything is written out.
    world.index();
    let engine = world.engine();
    let id = world.search("red").unwrap().hits[0].photo;
    std::fs::remove_file(world.path("grandmother.jpg.xmp")).unwrap();
    let preview = engine.write_out_preview(id).unwrap().remove(0);
    assert_eq!(preview.now.caption.as_deref(), Some("Wilhelmina opens the parcel"));
}
