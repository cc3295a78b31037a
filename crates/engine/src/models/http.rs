//! The one place of the program that opens a connection, and only while a person has a model fetched.
//!
//! It asks for a part of a file and hands its bytes on. Nothing is sent but the request itself: no token, no cookie.
//! Redirects are followed here, one by one: to `https` only, or to this computer if that is where the file is fetched
//! from. Everything happens on a thread of its own, so that whoever waits can stop at any time. What the bytes are, and
//! whether they are right, is not known here.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Proxy, ProxyProtocol};
use url::{Host, Url};

use super::ModelsError;
use crate::EngineError;

/// Where published checkpoints are, unless HF_ENDPOINT names another place.
const ENDPOINT: &str = "https://huggingface.co";
/// Redirects that are followed for one request.
const REDIRECTS: usize = 8;
/// Bytes that are handed on at once, and how many such pieces may wait.
const PIECE: usize = 256 << 10;
const PIECES: usize = 8;
/// How often somebody who waits looks whether to stop.
const TICK: Duration = Duration::from_millis(50);
/// No address is longer.
const LONGEST_ADDRESS: usize = 8 << 10;

/// What the environment says about the network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Surroundings {
    pub endpoint: Option<String>,
    /// The proxy for `https`.
    pub https_proxy: Option<String>,
    /// The proxy for `http`, which is used for this computer's own addresses only.
    pub http_proxy: Option<String>,
    pub no_proxy: Option<String>,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_process() -> Self {
        let first = |names: &[&str]| {
            names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()))
        };
        Self {
            endpoint: first(&["HF_ENDPOINT"]),
            https_proxy: first(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]),
            // The variable in capitals can be set by a web server's client; programs take the other.
            http_proxy: first(&["http_proxy", "ALL_PROXY", "all_proxy"]),
            no_proxy: first(&["NO_PROXY", "no_proxy"]),
        }
    }
}

/// How long to wait for what.
#[derive(Debug, Clone)]
pub(crate) struct Patience {
    pub connect: Duration,
    /// Until a server begins to answer.
    pub answer: Duration,
    /// Until the next bytes come.
    pub read: Duration,
    /// Before the first further try; doubled for each after it.
    pub pause: Duration,
    /// No pause is longer; a server that asks for more gets its wish, but later and by hand.
    pub longest_pause: Duration,
    /// Tries in a row that bring no byte.
    pub tries: u32,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connect: seconds(20),
            answer: seconds(40),
            read: seconds(30),
            pause: seconds(1),
            longest_pause: seconds(120),
            tries: 6,
        }
    }
}

/// The way to the published checkpoints.
pub(crate) struct Http {
    endpoint: Url,
    for_https: Agent,
    for_http: Agent,
    pub patience: Patience,
}

/// The beginning of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub status: u16,
    /// Bytes that follow.
    pub length: Option<u64>,
    /// The first byte that follows and the size of the whole, as the answer says.
    pub range: (Option<u64>, Option<u64>),
    /// What changes when the file does; a weak one says nothing of its bytes.
    pub etag: Option<String>,
    pub retry_after: Option<Duration>,
    /// Whether the bytes are packed, which was not asked for.
    pub packed: bool,
}

/// An answer: its beginning, and its bytes as they come.
pub(crate) struct Answer {
    pub head: Head,
    events: Receiver<Event>,
}

/// Why nothing comes.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Another try may do better.
    Passing(String),
    /// It stays so.
    Lasting(ModelsError),
}

enum Event {
    Head(Head),
    Bytes(Vec<u8>),
    End,
    Failed(Failure),
}

impl Http {
    /// The way that `surroundings` describe; opens no connection.
    pub fn new(surroundings: &Surroundings, patience: Patience) -> Result<Self, ModelsError> {
        let endpoint = endpoint(surroundings.endpoint.as_deref().unwrap_or(ENDPOINT))?;
        let no_proxy = surroundings.no_proxy.as_deref().unwrap_or_default();
        let through = |address: &Option<String>| address.as_deref().map(|a| proxy(a, no_proxy)).transpose();
        Ok(Self {
            for_https: agent(through(&surroundings.https_proxy)?, &patience),
            for_http: agent(through(&surroundings.http_proxy)?, &patience),
            endpoint,
            patience,
        })
    }

    /// The address of a file.
    pub fn address(&self, repository: &str, revision: &str, path: &str) -> Result<Url, ModelsError> {
        let base = self.endpoint.as_str().trim_end_matches('/');
        let address = format!("{base}/{repository}/resolve/{revision}/{path}");
        Url::parse(&address).map_err(|_| ModelsError::BadEndpoint { endpoint: base.into(), reason: HTTPS_ONLY })
    }

    /// Asks for a file from a byte on, if it still is the one with this tag; waits for the beginning of the answer.
    pub fn ask(
        &self,
        url: &Url,
        from: u64,
        if_tagged: Option<&str>,
        stop: &dyn Fn() -> Result<(), EngineError>,
    ) -> Result<Result<Answer, Failure>, EngineError> {
        let (sender, events) = bounded(PIECES);
        let request = Request {
            url: url.clone(),
            from,
            if_tagged: if_tagged.map(str::to_owned),
            // Only who fetches from this computer may be sent to it.
            may_be_local: is_local(&self.endpoint),
            read_seconds: self.patience.read.as_secs(),
            for_https: self.for_https.clone(),
            for_http: self.for_http.clone(),
        };
        let thread = std::thread::Builder::new().name("download".into());
        thread.spawn(move || request.run(&sender)).map_err(|source| EngineError::Thread { source })?;
        Ok(match next(&events, stop)? {
            Event::Head(head) => Ok(Answer { head, events }),
            Event::Failed(failure) => Err(failure),
            Event::Bytes(_) | Event::End => Err(Failure::Passing("the answer has no beginning".into())),
        })
    }
}

impl Answer {
    /// The next bytes; none at the end.
    pub fn next(
        &self,
        stop: &dyn Fn() -> Result<(), EngineError>,
    ) -> Result<Result<Option<Vec<u8>>, Failure>, EngineError> {
        Ok(match next(&self.events, stop)? {
            Event::Bytes(bytes) => Ok(Some(bytes)),
            Event::End => Ok(None),
            Event::Failed(failure) => Err(failure),
            Event::Head(_) => Err(Failure::Passing("the answer begins twice".into())),
        })
    }
}

fn next(events: &Receiver<Event>, stop: &dyn Fn() -> Result<(), EngineError>) -> Result<Event, EngineError> {
    loop {
        stop()?;
        match events.recv_timeout(TICK) {
            Ok(event) => return Ok(event),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Ok(Event::Failed(Failure::Passing("the download ended unexpectedly".into())));
            }
        }
    }
}

/// One request, on a thread of its own. It ends when nobody listens any more, at the next piece or the next timeout.
struct Request {
    url: Url,
    from: u64,
    if_tagged: Option<String>,
    may_be_local: bool,
    read_seconds: u64,
    for_https: Agent,
    for_http: Agent,
}

impl Request {
    fn run(self, events: &Sender<Event>) {
        let (head, mut body) = match self.follow() {
            Ok(answer) => answer,
            // Nobody listens when that cannot be told.
            Err(failure) => return events.send(Event::Failed(failure)).unwrap_or(()),
        };
        let mut open = events.send(Event::Head(head)).is_ok();
        while open {
            let mut piece = vec![0; PIECE];
            let event = match body.read(&mut piece) {
                Ok(0) => Event::End,
                Ok(length) => {
                    piece.truncate(length);
                    Event::Bytes(piece)
                }
                Err(error) => Event::Failed(Failure::Passing(self.why(&ureq::Error::from(error)))),
            };
            let goes_on = matches!(event, Event::Bytes(_));
            open = events.send(event).is_ok() && goes_on;
        }
    }

    /// Asks, and goes where the answers send.
    fn follow(&self) -> Result<(Head, Box<dyn Read + Send>), Failure> {
        let mut url = self.url.clone();
        for _ in 0..=REDIRECTS {
            let response = self.send(&url)?;
            let status = response.status().as_u16();
            let text = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
            if matches!(status, 301 | 302 | 303 | 307 | 308) {
                url = self.sent_to(&url, text("location").unwrap_or_default())?;
                continue;
            }
            let head = Head {
                status,
                length: text("content-length").and_then(|length| length.trim().parse().ok()),
                range: text("content-range").map_or((None, None), content_range),
                etag: text("etag").filter(|tag| tag.starts_with('"')).map(str::to_owned),
                retry_after: text("retry-after").and_then(|s| s.trim().parse().ok()).map(Duration::from_secs),
                packed: text("content-encoding").is_some_and(|coding| !coding.trim().eq_ignore_ascii_case("identity")),
            };
            return Ok((head, Box::new(response.into_body().into_reader())));
        }
        Err(self.refused(&url, "and on and on"))
    }

    fn send(&self, url: &Url) -> Result<ureq::http::Response<ureq::Body>, Failure> {
        let agent = if url.scheme() == "https" { &self.for_https } else { &self.for_http };
        let mut request = agent.get(url.as_str());
        if self.from > 0 {
            request = request.header("Range", format!("bytes={}-", self.from));
            if let Some(tag) = &self.if_tagged {
                request = request.header("If-Range", tag);
            }
        }
        request.call().map_err(|error| Failure::Passing(self.why(&error)))
    }

    /// The address that an answer sends to, if the program goes there.
    fn sent_to(&self, from: &Url, location: &str) -> Result<Url, Failure> {
        let to = from.join(location).ok().filter(|to| !location.is_empty() && to.as_str().len() <= LONGEST_ADDRESS);
        let Some(to) = to else {
            let (url, reason) = (self.url.to_string(), "it sends elsewhere and does not say where".to_owned());
            return Err(Failure::Lasting(ModelsError::BadReply { url, reason }));
        };
        let local = to.scheme() == "http" && self.may_be_local && from.scheme() == "http" && is_local(&to);
        if to.scheme() != "https" && !local {
            return Err(self.refused(&to, "where the connection would not be private"));
        }
        if !to.username().is_empty() || to.password().is_some() {
            return Err(self.refused(&to, "under a name that is not yours"));
        }
        Ok(to)
    }

    fn refused(&self, to: &Url, reason: &'static str) -> Failure {
        // What follows `?` may be a secret of the server's.
        let to = format!("{}://{}{}", to.scheme(), to.host_str().unwrap_or_default(), to.path());
        Failure::Lasting(ModelsError::BadRedirect { url: self.url.to_string(), to, reason })
    }

    fn why(&self, error: &ureq::Error) -> String {
        match error {
            ureq::Error::Timeout(_) => format!("nothing came for {} s", self.read_seconds.max(1)),
            ureq::Error::HostNotFound => "the name of the computer is not known".into(),
            ureq::Error::Io(error) => error.to_string(),
            error => error.to_string(),
        }
    }
}

const HTTPS_ONLY: &str = "write https://HOST; http:// only for this computer itself, as http://127.0.0.1:PORT";

fn endpoint(text: &str) -> Result<Url, ModelsError> {
    let bad = |reason| ModelsError::BadEndpoint { endpoint: text.into(), reason };
    let url = Url::parse(text.trim()).map_err(|_| bad(HTTPS_ONLY))?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(bad("leave away names, passwords and what follows ? or #"));
    }
    let fine = url.has_host() && (url.scheme() == "https" || url.scheme() == "http" && is_local(&url));
    if fine { Ok(url) } else { Err(bad(HTTPS_ONLY)) }
}

/// Whether an address is this computer's own.
fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn agent(proxy: Option<Proxy>, patience: &Patience) -> Agent {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .proxy(proxy)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("sightline/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .timeout_resolve(Some(patience.connect))
        .timeout_connect(Some(patience.connect))
        .timeout_recv_response(Some(patience.answer))
        .timeout_per_read(Some(patience.read))
        .timeout_per_write(Some(patience.read))
        .build()
        .new_agent()
}

fn proxy(address: &str, no_proxy: &str) -> Result<Proxy, ModelsError> {
    let with_scheme = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let url = Url::parse(&with_scheme).ok().filter(Url::has_host);
    let shown = url.as_ref().map_or_else(String::new, |url| {
        format!(
            "{}://{}:{}",
            url.scheme(),
            url.host_str().unwrap_or_default(),
            url.port_or_known_default().unwrap_or(0)
        )
    });
    let bad = || ModelsError::BadProxy { proxy: shown.clone() };
    let url = url.ok_or_else(bad)?;
    let (protocol, port) = match url.scheme() {
        "http" => (ProxyProtocol::Http, 80),
        "https" => (ProxyProtocol::Https, 443),
        "socks4" => (ProxyProtocol::Socks4, 1080),
        "socks4a" => (ProxyProtocol::Socks4A, 1080),
        "socks5" | "socks5h" | "socks" => (ProxyProtocol::Socks5, 1080),
        _ => return Err(bad()),
    };
    let host = url.host_str().ok_or_else(bad)?;
    let mut proxy = Proxy::builder(protocol).host(host).port(url.port().unwrap_or(port));
    if !url.username().is_empty() {
        proxy = proxy.username(&unquoted(url.username()));
    }
    if let Some(password) = url.password() {
        proxy = proxy.password(&unquoted(password));
    }
    for name in no_proxy.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        proxy = proxy.no_proxy(name);
        // As other programs take it: a name stands for all below it.
        if name.starts_with(|letter: char| letter.is_alphanumeric()) {
            proxy = proxy.no_proxy(&format!(".{name}"));
        }
    }
    proxy.build().map_err(|_| bad())
}

/// What `%2F` and the like stand for.
fn unquoted(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, after @ ..] = rest {
        let quoted = (*first == b'%').then(|| after.get(..2)).flatten().and_then(|two| std::str::from_utf8(two).ok());
        let byte = quoted.and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The first byte and the whole size of `bytes 5-9/10` and `bytes */10`.
fn content_range(text: &str) -> (Option<u64>, Option<u64>) {
    let Some((range, total)) = text.trim().strip_prefix("bytes ").and_then(|text| text.split_once('/')) else {
        return (None, None);
    };
    let first = range.split_once('-').and_then(|(first, _)| first.trim().parse().ok());
    (first, total.trim().parse().ok())
}
