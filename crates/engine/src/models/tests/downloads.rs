//! What comes whole at last, whatever happens on the way.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::loopback::{Deed, Server, noise};
use super::*;

fn served(content: &[u8]) -> Server {
    let server = Server::start();
    server.put(PATH, content.to_vec());
    server
}

#[test]
fn a_file_comes_whole_and_under_its_name_only() {
    let content = noise(1, 700_000);
    let server = served(&content);
    let fetch = Fetch::of(&server, &content);
    let got = fetch.run().unwrap().unwrap();
    assert_eq!(got, Got { bytes: 700_000, sha256: sha256(&content) });
    assert_eq!(std::fs::read(fetch.file()).unwrap(), content);
    assert_eq!(fetch.files(), ["weights.bin"]);
}

#[test]
fn a_download_cut_at_a_thousand_bytes_gives_the_same_file_and_fetches_no_byte_twice() {
    const CUTS: usize = 1000;
    let content = noise(2, 300_000);
    let server = served(&content);
    let lengths = noise(3, 2 * CUTS);
    server.script(move |_, number| match lengths.get(2 * number..2 * number + 2) {
        Some(two) => Deed::CutAfter(1 + usize::from(u16::from_le_bytes([two[0], two[1]])) % 500),
        None => Deed::Serve,
    });
    let mut fetch = Fetch::of(&server, &content);
    // First one try each time, as after a crash; then a run that goes on after each cut, as it gets further.
    let mut starts = 0;
    let got = loop {
        fetch.patience.tries = if starts < CUTS / 2 { 1 } else { 2 };
        starts += 1;
        match fetch.run() {
            Ok(got) => break got.unwrap(),
            Err(error) => assert_eq!(error.code(), "unreachable"),
        }
    };
    assert_eq!(got.sha256, sha256(&content));
    assert_eq!(std::fs::read(fetch.file()).unwrap(), content);
    let log = server.log();
    assert!(log.len() > CUTS && starts > CUTS / 4, "{} requests in {starts} starts", log.len());
    assert_eq!(log.iter().map(|request| request.sent).sum::<usize>(), content.len());
}

#[test]
fn a_file_that_has_changed_meanwhile_is_begun_anew() {
    let (old, new) = (noise(4, 50_000), noise(5, 50_000));
    let server = served(&old);
    server.script(|_, number| if number == 0 { Deed::CutAfter(20_000) } else { Deed::Serve });
    let mut fetch = Fetch::of(&server, &new);
    fetch.patience.tries = 1;
    // Nobody has published its digest: only the server's tag tells.
    fetch.sha256 = None;
    assert_eq!(fetch.code(), "unreachable");
    assert_eq!(std::fs::metadata(fetch.part()).unwrap().len(), 20_000);
    server.put(PATH, new.clone());
    assert_eq!(fetch.run().unwrap().unwrap().sha256, sha256(&new));
    assert_eq!(server.log()[1].from, 20_000);
}

#[test]
fn a_server_that_gives_no_parts_is_asked_for_the_whole() {
    let content = noise(6, 40_000);
    let server = served(&content);
    server.script(|_, number| if number == 0 { Deed::CutAfter(10_000) } else { Deed::Whole });
    let fetch = Fetch::of(&server, &content);
    assert_eq!(fetch.run().unwrap().unwrap().sha256, sha256(&content));
}

#[test]
fn more_kept_than_there_is_is_thrown_away() {
    let content = noise(7, 30_000);
    let server = served(&content);
    let mut fetch = Fetch::of(&server, &content);
    fetch.bytes = None;
    std::fs::write(fetch.part(), noise(8, 40_000)).unwrap();
    // The server says that there is no such part.
    assert_eq!(fetch.run().unwrap().unwrap().sha256, sha256(&content));
    let asked: Vec<usize> = server.log().iter().map(|request| request.from).collect();
    assert_eq!(asked, [40_000, 0]);
}

#[test]
fn what_was_kept_and_is_wrong_is_fetched_anew() {
    let content = noise(9, 60_000);
    let server = served(&content);
    let fetch = Fetch::of(&server, &content);
    std::fs::write(fetch.part(), noise(10, 20_000)).unwrap();
    assert_eq!(fetch.run().unwrap().unwrap().sha256, sha256(&content));
    let asked: Vec<usize> = server.log().iter().map(|request| request.from).collect();
    assert_eq!(asked, [20_000, 0]);
}

#[test]
fn what_is_there_whole_is_not_asked_for() {
    let content = noise(11, 60_000);
    let server = served(&content);
    let fetch = Fetch::of(&server, &content);
    std::fs::write(fetch.part(), &content).unwrap();
    assert_eq!(fetch.run().unwrap().unwrap().sha256, sha256(&content));
    assert_eq!(server.log().len(), 0);
}

#[test]
fn a_file_that_has_its_name_already_is_taken_as_it_is_if_it_is_right() {
    let content = noise(11, 60_000);
    let server = served(&content);
    let fetch = Fetch::of(&server, &content);
    std::fs::write(fetch.file(), &content).unwrap();
    assert_eq!(fetch.run().unwrap().unwrap().sha256, sha256(&content));
    assert_eq!(server.log().len(), 0);
    std::fs::write(fetch.file(), noise(12, 60_000)).unwrap();
    assert_eq!(fetch.run().unwrap().unwrap().sha256, sha256(&content));
    assert_eq!(server.log().len(), 1);
}

#[test]
fn a_server_that_stalls_is_asked_again_for_the_rest() {
    let content = noise(12, 60_000);
    let server = served(&content);
    server.script(|_, number| if number == 0 { Deed::StallAfter(25_000) } else { Deed::Serve });
    let mut fetch = Fetch::of(&server, &content);
    fetch.patience.read = Duration::from_millis(300);
    assert_eq!(fetch.run().unwrap().unwrap().sha256, sha256(&content));
    assert_eq!(server.log()[1].from, 25_000);
}

#[test]
fn a_server_that_has_too_much_to_do_gets_its_wish() {
    let content = noise(13, 10_000);
    let server = served(&content);
    let busy = |seconds: &str| Deed::Status(429, vec![("Retry-After".into(), seconds.into())]);
    server.script(move |_, number| if number == 0 { busy("1") } else { Deed::Serve });
    let fetch = Fetch::of(&server, &content);
    let begun = Instant::now();
    fetch.run().unwrap().unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1));
    // One that asks for an hour is not waited for.
    let server = served(&content);
    server.script(move |_, _| busy("3600"));
    let fetch = Fetch::of(&server, &content);
    let error = fetch.run().unwrap_err();
    assert!(error.code() == "server_busy" && error.to_string().contains("3600 s"), "{error}");
    assert_eq!(server.log().len(), 1);
}

#[test]
fn redirects_are_followed_on_this_computer() {
    let content = noise(14, 10_000);
    let (server, other) = (Server::start(), Server::start());
    other.put("/elsewhere/weights.bin", content.clone());
    other.script(|_, number| if number == 0 { Deed::CutAfter(4_000) } else { Deed::Serve });
    let there = format!("{}/elsewhere/weights.bin", other.url());
    server.script(move |_, number| {
        // By a path at first, as some servers do, and then elsewhere.
        let to = if number == 1 { "/on/the/way".into() } else { there.clone() };
        Deed::Status(302, vec![("Location".into(), to)])
    });
    let fetch = Fetch::of(&server, &content);
    assert_eq!(fetch.run().unwrap().unwrap().sha256, sha256(&content));
    let asked: Vec<usize> = other.log().iter().map(|request| request.from).collect();
    assert_eq!(asked, [0, 4_000]);
}

#[test]
fn a_person_who_stops_it_waits_for_no_server_and_loses_no_byte() {
    let content = noise(15, 60_000);
    let server = served(&content);
    server.script(|_, number| if number == 0 { Deed::StallAfter(25_000) } else { Deed::Serve });
    let fetch = Fetch::of(&server, &content);
    let (asked, part) = (AtomicUsize::new(0), fetch.part());
    let stop = || {
        let there = std::fs::metadata(&part).is_ok_and(|part| part.len() == 25_000);
        let asked = asked.fetch_add(usize::from(there), Ordering::Relaxed);
        if there && asked > 2 { Err(EngineError::Cancelled) } else { Ok(()) }
    };
    let begun = Instant::now();
    assert!(matches!(fetch.run_until(&stop), Err(EngineError::Cancelled)));
    assert!(begun.elapsed() < Duration::from_secs(4), "it was not stopped by the timeout of five seconds");
    assert_eq!(fetch.run().unwrap().unwrap().sha256, sha256(&content));
    assert_eq!(server.log()[1].from, 25_000);
}

#[test]
fn a_file_of_unknown_length_comes_to_its_end() {
    let content = noise(16, 30_000);
    let server = served(&content);
    server.script(|_, _| Deed::WithoutLength);
    let mut fetch = Fetch::of(&server, &content);
    (fetch.bytes, fetch.sha256) = (None, None);
    assert_eq!(fetch.run().unwrap().unwrap().sha256, sha256(&content));
}

#[test]
fn a_proxy_is_used_but_for_the_names_that_need_none() {
    let content = noise(17, 10_000);
    let (server, proxy) = (served(&content), Server::start());
    let mut fetch = Fetch::of(&server, &content);
    fetch.surroundings.http_proxy = Some(proxy.url());
    fetch.run().unwrap().unwrap();
    assert_eq!((proxy.log().len(), server.log().len()), (1, 1));
    assert_eq!(proxy.log()[0].method, "CONNECT");
    let mut fetch = Fetch::of(&server, &content);
    fetch.surroundings.http_proxy = Some(proxy.url());
    fetch.surroundings.no_proxy = Some("example.org, 127.0.0.1".into());
    fetch.run().unwrap().unwrap();
    assert_eq!((proxy.log().len(), server.log().len()), (1, 2));
}

#[test]
fn nothing_is_sent_but_the_request() {
    let content = noise(18, 1000);
    let server = served(&content);
    Fetch::of(&server, &content).run().unwrap().unwrap();
    let sent: Vec<String> = server.log()[0].headers.keys().cloned().collect();
    assert_eq!(sent, ["accept", "accept-encoding", "host", "user-agent"]);
}
