//! What is not taken, and what is said of it.

use super::loopback::{Deed, Server, noise};
use super::*;

#[test]
fn a_file_with_another_digest_is_refused_and_thrown_away() {
    let (content, other) = (noise(1, 20_000), noise(2, 20_000));
    let server = Server::start();
    server.put(PATH, other.clone());
    let fetch = Fetch::of(&server, &content);
    let error = fetch.run().unwrap_err();
    assert_eq!(error.code(), "download_wrong_digest");
    for part in [PATH, &sha256(&content), &sha256(&other)] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(fetch.files(), [""; 0]);
}

#[test]
fn a_file_of_another_size_is_refused_before_it_comes() {
    let content = noise(3, 20_000);
    let server = Server::start();
    for other in [19_999, 20_001] {
        server.put(PATH, noise(4, other));
        let fetch = Fetch::of(&server, &content);
        let error = fetch.run().unwrap_err();
        assert_eq!(error.code(), "download_wrong_size");
        assert!(error.to_string().contains("20000") && error.to_string().contains(&other.to_string()), "{error}");
        assert!(!fetch.file().exists());
    }
    // Where nobody says how long it is, it ends when there are too many bytes.
    server.script(|_, _| Deed::WithoutLength);
    let fetch = Fetch::of(&server, &content);
    assert_eq!(fetch.code(), "download_wrong_size");
    assert_eq!(fetch.files(), [""; 0]);
}

#[test]
fn a_file_without_a_known_size_has_a_largest_one() {
    let server = Server::start();
    server.put(PATH, noise(5, (1 << 20) + 1));
    let mut fetch = Fetch::of(&server, &[]);
    (fetch.bytes, fetch.sha256) = (None, None);
    assert_eq!(fetch.code(), "download_wrong_size");
    server.script(|_, _| Deed::WithoutLength);
    assert_eq!(fetch.code(), "download_wrong_size");
    assert_eq!(fetch.files(), [""; 0]);
}

#[test]
fn a_file_that_is_not_there_is_told_from_one_that_vanished() {
    let content = noise(6, 20_000);
    let server = Server::start();
    let mut fetch = Fetch::of(&server, &content);
    assert_eq!(fetch.run().unwrap(), None);
    assert_eq!(fetch.files(), [""; 0]);
    server.put(PATH, content.clone());
    server.script(|_, number| if number == 1 { Deed::CutAfter(5_000) } else { Deed::Status(404, Vec::new()) });
    fetch.patience.tries = 2;
    assert_eq!(fetch.code(), "download_not_there");
    assert_eq!(std::fs::metadata(fetch.part()).unwrap().len(), 5_000, "what came is kept");
}

#[test]
fn what_a_server_answers_is_an_error_with_a_code_of_its_own() {
    let content = noise(7, 20_000);
    let server = Server::start();
    server.put(PATH, content.clone());
    for (status, code, requests) in [
        (401, "download_denied", 1),
        (403, "download_denied", 1),
        (400, "server_reply_bad", 1),
        (204, "server_reply_bad", 1),
        (206, "server_reply_bad", 1),
        (416, "server_reply_bad", 1),
        (429, "unreachable", 6),
        (500, "unreachable", 6),
        (503, "unreachable", 6),
    ] {
        let before = server.log().len();
        server.script(move |_, _| Deed::Status(status, Vec::new()));
        let fetch = Fetch::of(&server, &content);
        assert_eq!(fetch.code(), code, "{status}");
        assert_eq!(server.log().len() - before, requests, "{status}");
    }
}

#[test]
fn a_redirect_leads_to_no_place_that_is_not_private() {
    let content = noise(8, 20_000);
    for (to, code) in [
        ("http://192.0.2.1/weights.bin", "redirect_refused"),
        ("http://localhost.example.org/weights.bin", "redirect_refused"),
        ("ftp://127.0.0.1/weights.bin", "redirect_refused"),
        ("file:///etc/passwd", "redirect_refused"),
        ("https://name:word@127.0.0.1/weights.bin", "redirect_refused"),
        ("", "server_reply_bad"),
        ("http://", "server_reply_bad"),
        // To itself, without end.
        (PATH, "redirect_refused"),
    ] {
        let server = Server::start();
        server.script(move |_, _| Deed::Status(302, vec![("Location".into(), to.into())]));
        let fetch = Fetch::of(&server, &content);
        assert_eq!(fetch.code(), code, "{to}");
        assert!(server.log().len() <= 9, "{to}");
    }
}

#[test]
fn a_secret_in_an_address_that_a_server_sends_to_is_not_shown() {
    let server = Server::start();
    let to = "http://192.0.2.1/weights.bin?signature=secret";
    server.script(move |_, _| Deed::Status(302, vec![("Location".into(), to.into())]));
    let said = Fetch::of(&server, &[1]).run().unwrap_err().to_string();
    assert!(said.contains("http://192.0.2.1/weights.bin") && !said.contains("secret"), "{said}");
}

#[test]
fn nobody_there_is_said_after_some_tries() {
    let content = noise(9, 1000);
    let server = Server::start();
    let mut fetch = Fetch::of(&server, &content);
    drop(server);
    fetch.patience.tries = 3;
    let error = fetch.run().unwrap_err();
    assert_eq!(error.code(), "unreachable");
    assert!(error.to_string().contains("HTTPS_PROXY"), "{error}");
}

#[test]
fn an_endpoint_is_https_or_this_computer() {
    let code = |endpoint: &str| {
        let surroundings = Surroundings { endpoint: Some(endpoint.into()), ..Surroundings::default() };
        Http::new(&surroundings, Patience::default()).map(|_| ()).map_err(|error| error.code())
    };
    for fine in ["https://example.org", "https://example.org/mirror/", "http://127.0.0.1:8000", "http://[::1]:8000"] {
        assert_eq!(code(fine), Ok(()), "{fine}");
    }
    for bad in [
        "http://example.org",
        "http://127.0.0.1.example.org",
        "ftp://127.0.0.1",
        "example.org",
        "",
        "https://name:word@example.org",
        "https://example.org/?token=1",
    ] {
        assert_eq!(code(bad), Err("endpoint_bad"), "{bad}");
    }
}

#[test]
fn a_proxy_that_is_none_is_named_without_its_password() {
    let new = |proxy: &str| {
        let surroundings = Surroundings { https_proxy: Some(proxy.into()), ..Surroundings::default() };
        Http::new(&surroundings, Patience::default()).map(|_| ()).map_err(|error| error.to_string())
    };
    for fine in ["http://proxy:3128", "proxy:3128", "http://name:w%40rd@proxy", "socks5h://127.0.0.1:1080"] {
        assert_eq!(new(fine), Ok(()), "{fine}");
    }
    let said = new("gopher://name:word@proxy").unwrap_err();
    assert!(said.contains("gopher://proxy") && !said.contains("word"), "{said}");
    assert!(new("://").is_err());
}
