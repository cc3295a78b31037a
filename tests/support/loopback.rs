//! A tiny server of files on this computer, that misbehaves when told to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What is done with a request.
#[derive(Debug, Clone)]
#[allow(dead_code)]
pub enum Deed {
    /// As a good server does.
    Serve,
    /// The whole file, whatever part was asked for.
    Whole,
    /// The answer ends after so many bytes of the file.
    CutAfter(usize),
    /// The same, but the connection stays open and nothing more comes.
    StallAfter(usize),
    /// So many bytes, then a pause of so many milliseconds, and so on.
    Slowly(usize, u64),
    /// Another file than the one that is there, of the same name and tag.
    Other(Vec<u8>),
    /// The file without saying how long it is.
    WithoutLength,
    /// A status with these headers and nothing else.
    Status(u16, Vec<(String, String)>),
}

/// A request, as it came.
#[derive(Debug, Clone)]
#[allow(dead_code)]
pub struct Request {
    pub method: String,
    /// The path; for a proxy the whole address.
    pub path: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The first byte that was asked for.
    pub from: usize,
    /// Bytes of the file that were sent.
    pub sent: usize,
}

type Script = dyn Fn(&Request, usize) -> Deed + Send + Sync;

struct Shared {
    files: Mutex<BTreeMap<String, (Vec<u8>, String)>>,
    script: Mutex<Box<Script>>,
    log: Mutex<Vec<Request>>,
    ends: AtomicBool,
}

/// A server; it ends when dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[allow(dead_code)]
impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            files: Mutex::default(),
            script: Mutex::new(Box::new(|_, _| Deed::Serve)),
            log: Mutex::default(),
            ends: AtomicBool::new(false),
        });
        let of_thread = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if of_thread.ends.load(Ordering::Acquire) {
                    return;
                }
                let (Ok(stream), shared) = (stream, of_thread.clone()) else { continue };
                // Whoever goes away before the end is no fault of the server's.
                std::thread::spawn(move || drop(answer(stream, &shared)));
            }
        });
        Self { address, shared }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Puts a file there; a tag in quotes changes with it.
    pub fn put(&self, path: &str, bytes: Vec<u8>) {
        let sum = bytes
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        self.shared.files.lock().unwrap().insert(path.into(), (bytes, format!("\"{sum:016x}\"")));
    }

    /// Says what is done with each request, by its number among those of its path.
    pub fn script(&self, script: impl Fn(&Request, usize) -> Deed + Send + Sync + 'static) {
        *self.shared.script.lock().unwrap() = Box::new(script);
    }

    /// The requests so far.
    pub fn log(&self) -> Vec<Request> {
        self.shared.log.lock().unwrap().clone()
    }

    /// The requests for a path so far.
    pub fn log_of(&self, path: &str) -> Vec<Request> {
        self.log().into_iter().filter(|request| request.path == path).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Release);
        // Wakes the thread that waits for somebody to come.
        drop(TcpStream::connect(self.address));
    }
}

fn answer(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut words = first.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.trim().split_once(':') {
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
    }
    let from = headers.get("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let request = Request { method, path, headers, from: from.unwrap_or(0), sent: 0 };
    if request.method == "CONNECT" {
        shared.log.lock().unwrap().push(request.clone());
        return through(stream, &request.path);
    }
    let number = {
        let mut log = shared.log.lock().unwrap();
        log.push(request.clone());
        (log.iter().filter(|other| other.path == request.path).count() - 1, log.len() - 1)
    };
    let deed = (shared.script.lock().unwrap())(&request, number.0);
    let sent = |bytes: usize| shared.log.lock().unwrap()[number.1].sent += bytes;
    serve(stream, shared, &request, deed, &sent)
}

fn serve(
    mut stream: TcpStream,
    shared: &Shared,
    request: &Request,
    deed: Deed,
    sent: &dyn Fn(usize),
) -> std::io::Result<()> {
    let plain = |status: u16, headers: &[(String, String)]| {
        let mut text = format!("HTTP/1.1 {status} Status\r\nContent-Length: 0\r\nConnection: close\r\n");
        headers.iter().for_each(|(name, value)| text += &format!("{name}: {value}\r\n"));
        text + "\r\n"
    };
    if let Deed::Status(status, headers) = &deed {
        return stream.write_all(plain(*status, headers).as_bytes());
    }
    let there = shared.files.lock().unwrap().get(&request.path).cloned();
    let Some((mut bytes, tag)) = there else { return stream.write_all(plain(404, &[]).as_bytes()) };
    if let Deed::Other(other) = &deed {
        bytes.clone_from(other);
    }
    let same = request.headers.get("if-range").is_none_or(|wanted| *wanted == tag);
    let from = if same && !matches!(deed, Deed::Whole) { request.from } else { 0 };
    if from > 0 && from >= bytes.len() {
        let range = ("Content-Range".to_owned(), format!("bytes */{}", bytes.len()));
        return stream.write_all(plain(416, &[range]).as_bytes());
    }
    let mut head = match from {
        0 => "HTTP/1.1 200 OK\r\n".to_owned(),
        _ => format!("HTTP/1.1 206 Part\r\nContent-Range: bytes {from}-{}/{}\r\n", bytes.len() - 1, bytes.len()),
    };
    if !matches!(deed, Deed::WithoutLength) {
        head += &format!("Content-Length: {}\r\n", bytes.len() - from);
    }
    stream.write_all(format!("{head}ETag: {tag}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let rest = &bytes[from..];
    let mut send = |part: &[u8]| {
        // Counted before: who is told of the bytes may look at the log at once.
        sent(part.len());
        stream.write_all(part)
    };
    match deed {
        Deed::CutAfter(length) => send(&rest[..length.min(rest.len())])?,
        Deed::StallAfter(length) => {
            send(&rest[..length.min(rest.len())])?;
            let begun = std::time::Instant::now();
            while begun.elapsed() < Duration::from_secs(20) && !shared.ends.load(Ordering::Acquire) {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Deed::Slowly(length, pause_ms) => {
            for part in rest.chunks(length) {
                send(part)?;
                std::thread::sleep(Duration::from_millis(pause_ms));
            }
        }
        _ => send(rest)?,
    }
    stream.flush()
}

/// What a proxy does: it passes bytes on, both ways.
fn through(mut stream: TcpStream, to: &str) -> std::io::Result<()> {
    let mut other = TcpStream::connect(to)?;
    stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
    let (mut up, mut down) = (stream.try_clone()?, other.try_clone()?);
    std::thread::spawn(move || {
        std::io::copy(&mut up, &mut down).ok();
        down.shutdown(std::net::Shutdown::Write).ok();
    });
    std::io::copy(&mut other, &mut stream).ok();
    stream.shutdown(std::net::Shutdown::Both)
}

/// Bytes that look random, the same for the same seed.
#[allow(dead_code)]
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
