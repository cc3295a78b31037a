//! What a worker gives up before it sees the first byte of a photo, and how that is proved.
//!
//! Everywhere: the environment, but for what finds the system's libraries. On Linux also new privileges, files and
//! sockets (landlock, where the kernel has it, and a list of system calls), new processes, and with limits memory,
//! files and processor time. What is in force is asked of the kernel and tried, not assumed.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

/// Variables that say where the system's libraries are.
const KEPT: &[&str] = &[
    "LD_LIBRARY_PATH",
    "LIBHEIF_PLUGIN_PATH",
    #[cfg(target_os = "macos")]
    "DYLD_LIBRARY_PATH",
    #[cfg(target_os = "macos")]
    "DYLD_FALLBACK_LIBRARY_PATH",
    #[cfg(windows)]
    "PATH",
    #[cfg(windows)]
    "SystemRoot",
];

/// Whether a worker is given the variable of this name.
pub(super) fn is_kept(name: &OsStr) -> bool {
    KEPT.iter().any(|kept| if cfg!(windows) { name.eq_ignore_ascii_case(kept) } else { name == *kept })
}

/// What confines a worker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// Its environment holds nothing but what finds libraries.
    pub environment_cleared: bool,
    /// It can gain no privileges, says the kernel.
    pub no_new_privileges: bool,
    /// The kernel checks its system calls, says the kernel.
    pub system_calls_filtered: bool,
    /// Landlock's version, where the kernel has it and took the rules.
    pub landlock: Option<u32>,
    /// Bytes that it may allocate; `None` where there is no limit but those of the decoders.
    pub memory_bytes: Option<u64>,
    /// It tried to open a file, and could.
    pub opens_files: bool,
    /// It tried to open a socket, and could.
    pub opens_sockets: bool,
    /// It tried to start a program, and could.
    pub starts_programs: bool,
}

impl Confinement {
    /// Confines this process for good; to be called before it has other threads.
    ///
    /// # Errors
    /// When limits cannot be set. What the kernel does not know is left out.
    pub(super) fn enter() -> io::Result<Self> {
        shed_environment()?;
        let confined = system::enter()?;
        Ok(Self { environment_cleared: std::env::vars_os().all(|(name, _)| is_kept(&name)), ..confined })
    }

    /// Tries what a confined worker must not be able to do.
    pub(super) fn try_out(self) -> Self {
        let opens_sockets = std::net::UdpSocket::bind("127.0.0.1:0").is_ok()
            || std::net::TcpListener::bind("127.0.0.1:0").is_ok()
            || std::net::TcpStream::connect("127.0.0.1:9").is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused);
        Self { opens_files: opens_a_file(), opens_sockets, starts_programs: starts_a_program(), ..self }
    }
}

/// Whether any of a few files that are there can be opened or made.
fn opens_a_file() -> bool {
    let name = format!("sightline-worker-{}", std::process::id());
    let made = ["/tmp", "/dev/shm", "."].iter().any(|folder| {
        let path = Path::new(folder).join(&name);
        std::fs::File::create(&path).is_ok_and(|_| std::fs::remove_file(&path).is_ok() || path.exists())
    });
    made || ["/", "/etc/passwd", "/proc/self/status", ".", "C:\\"].iter().any(|path| std::fs::File::open(path).is_ok())
}

/// Whether this program can be started, as a worker that ends at once.
fn starts_a_program() -> bool {
    let mut command = Command::new(std::env::args_os().next().unwrap_or_default());
    command.arg(super::ARGUMENT).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().is_ok_and(|mut child| child.wait().is_ok())
}

/// The last argument of a worker that started itself anew.
#[cfg(unix)]
const AGAIN: &str = "--without-environment";

/// Starts this program anew if it was started, by whomever, with more of an environment than it needs.
#[cfg(unix)]
fn shed_environment() -> io::Result<()> {
    use std::os::unix::process::CommandExt;
    let is_clean = std::env::vars_os().all(|(name, _)| is_kept(&name));
    // Once: a system may put something of its own back.
    if is_clean || std::env::args_os().any(|argument| argument == AGAIN) {
        return Ok(());
    }
    let program: std::path::PathBuf = match cfg!(target_os = "linux") {
        true => "/proc/self/exe".into(),
        false => std::env::current_exe()?,
    };
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1)).arg(AGAIN);
    command.env_clear().envs(std::env::vars_os().filter(|(name, _)| is_kept(name)));
    // Only a failure returns.
    Err(command.exec())
}

#[cfg(not(unix))]
fn shed_environment() -> io::Result<()> {
    Ok(())
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::{Confinement, io};

    pub fn enter() -> io::Result<Confinement> {
        crate::decode::load_libraries();
        Ok(Confinement::default())
    }
}

#[cfg(target_os = "linux")]
mod system;
