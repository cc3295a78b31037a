//! Linux: limits, landlock, seccomp.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, Ruleset, RulesetAttr, RulesetStatus,
    Scope,
};
use rlimit::Resource;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter_all_threads,
};

use super::Confinement;
use crate::isolation::MEMORY_BYTES;

/// Seconds of one processor, for each there is, after which the kernel ends a worker. Its parent does so much earlier.
const PROCESSOR_SECONDS: u64 = 120;
/// Numbers of open files: the pipes have the first three.
const OPEN_FILES: u64 = 16;

pub fn enter() -> io::Result<Confinement> {
    limit_memory()?;
    let mut status = File::open("/proc/self/status")?;
    // They look for their parts when they are first used.
    crate::decode::load_libraries();
    limit(Resource::CORE, 0)?;
    limit(Resource::FSIZE, 0)?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    limit(Resource::CPU, PROCESSOR_SECONDS * processors)?;
    limit(Resource::NOFILE, OPEN_FILES)?;
    // Threads that come later have both; there is none yet.
    let landlock = forbid_files_and_sockets();
    // What of it holds, the kernel says below; it may know no such thing.
    forbid_system_calls();
    let mut said = String::new();
    status.read_to_string(&mut said)?;
    let is = |name: &str, value: &str| {
        said.lines()
            .any(|line| line.strip_prefix(name).is_some_and(|rest| rest.trim_start_matches(':').trim() == value))
    };
    Ok(Confinement {
        no_new_privileges: is("NoNewPrivs", "1"),
        system_calls_filtered: is("Seccomp", "2"),
        landlock,
        memory_bytes: Some(MEMORY_BYTES),
        ..Confinement::default()
    })
}

/// What is written to counts, so that the program's own file and reserved addresses do not.
fn limit_memory() -> io::Result<()> {
    limit(Resource::DATA, MEMORY_BYTES)
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let (_, hard) = resource.get()?;
    resource.set(most.min(hard), most.min(hard))
}

/// No file, no socket, nobody outside; landlock's version, if it took all or most of that.
fn forbid_files_and_sockets() -> Option<u32> {
    const NEWEST: ABI = ABI::V6;
    let restricted = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(NEWEST)))
        .and_then(|rules| rules.scope(Scope::from_all(NEWEST)))
        .and_then(|rules| rules.create()?.restrict_self())
        .ok()?;
    match (restricted.ruleset, restricted.landlock) {
        (RulesetStatus::NotEnforced, _) => None,
        (_, LandlockStatus::Available { effective_abi, .. }) => Some(effective_abi as u32),
        _ => None,
    }
}

/// System calls without which no decoder works: memory, threads of its own, clocks, and the pipes it has.
const ALLOWED: &[i64] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_lseek,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_membarrier,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getcpu,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_restart_syscall,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // Only ever to be confined further.
    libc::SYS_seccomp,
];

/// Installs the list; `None` where the kernel or the processor has no such thing.
fn forbid_system_calls() -> Option<()> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    let argument = |number, operator, value: u64| {
        SeccompCondition::new(number, SeccompCmpArgLen::Dword, operator, value).and_then(|c| SeccompRule::new(vec![c]))
    };
    // Threads, and no processes.
    let thread = libc::CLONE_THREAD as u64;
    rules.insert(libc::SYS_clone, vec![argument(0, SeccompCmpOp::MaskedEq(thread), thread).ok()?]);
    // A thread's name; new privileges are given up; names of memory, for those who look at it.
    let options = [libc::PR_SET_NAME, libc::PR_SET_NO_NEW_PRIVS, libc::PR_SET_VMA];
    let options: Result<_, _> =
        options.iter().map(|option| argument(0, SeccompCmpOp::Eq, u64::from(option.unsigned_abs()))).collect();
    rules.insert(libc::SYS_prctl, options.ok()?);
    // A process may end itself when it gives up, and no other.
    let own = u64::from(std::process::id());
    rules.insert(libc::SYS_tgkill, vec![argument(0, SeccompCmpOp::Eq, own).ok()?]);
    // Limits are read, not set.
    let nothing = SeccompCondition::new(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0);
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(vec![nothing.ok()?]).ok()?]);
    install(rules, SeccompAction::Errno(libc::EPERM.unsigned_abs()), SeccompAction::Allow)?;
    // The C library asks for threads by this call first, whose flags cannot be looked at, and then by the older one.
    let newer = [(libc::SYS_clone3, Vec::new())].into();
    install(newer, SeccompAction::Allow, SeccompAction::Errno(libc::ENOSYS.unsigned_abs()))
}

fn install(rules: BTreeMap<i64, Vec<SeccompRule>>, others: SeccompAction, these: SeccompAction) -> Option<()> {
    let processor = std::env::consts::ARCH.try_into().ok()?;
    let program: BpfProgram = SeccompFilter::new(rules, others, these, processor).ok()?.try_into().ok()?;
    apply_filter_all_threads(&program).ok()
}
