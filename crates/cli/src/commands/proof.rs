//! What came of trying a model on this computer, in lines and as JSON.

use serde_json::{Value, json};
use sightline_engine::Engine;
use sightline_engine::models::Proof;

/// One line for a list.
pub(super) fn line(engine: &Engine, name: &str, proof: &Proof) -> String {
    match (engine.fault_of(name, proof), proof.firsts) {
        (Some(fault), _) => format!("does not work here: {fault}"),
        (None, Some(firsts)) => format!("checked here: {} of {} sentences find their photo", firsts.right, firsts.of),
        (None, None) => "checked here, but for its sense: the sample photos are not there".into(),
    }
}

/// All that was measured, and what is wrong if something is.
pub(super) fn lines(engine: &Engine, name: &str, proof: &Proof) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(firsts) = proof.firsts {
        let bundled = firsts.bundled.map_or(String::new(), |right| format!("; by the bundled model {right} do"));
        let language = firsts.language.name();
        lines.push(format!("{} of {} {language} sentences find their sample photo{bundled}", firsts.right, firsts.of));
    } else if proof.failed.is_none() {
        lines.push(
            "the sample photos that come with the program are not there: not tried whether it makes sense".into(),
        );
    }
    if proof.failed.is_none() {
        lines.push(match proof.gpu {
            Some(gpu) => format!("{} beside the CPU: lowest cosine {:.6}", proof.device, gpu.lowest()),
            None => "no graphics processor in use: nothing to compare the CPU with".into(),
        });
    }
    if let Some(halves) = proof.halves {
        let cosine = halves.lowest();
        lines.push(format!("half precision beside 32-bit weights that round to it: lowest cosine {cosine:.6}"));
    }
    if let Some(eight) = proof.eight {
        let used = if proof.uses_eight_bits() { "used for searches" } else { "not used" };
        lines.push(format!("text weights of 8 bits beside 32: lowest cosine {eight:.6}, {used} on the CPU"));
    }
    if let Some(fault) = engine.fault_of(name, proof) {
        lines.push(format!("{name} will not be used: {fault}"));
    }
    lines
}

pub(super) fn object(engine: &Engine, name: &str, proof: &Proof) -> Value {
    let fault = engine.fault_of(name, proof);
    json!({
        "passed": fault.is_none(),
        "fault": fault,
        "device": proof.device,
        "right": proof.firsts.map(|firsts| firsts.right),
        "of": proof.firsts.map(|firsts| firsts.of),
        "language": proof.firsts.map(|firsts| firsts.language.name()),
        "bundled_right": proof.firsts.and_then(|firsts| firsts.bundled),
        "gpu_cosine": proof.gpu.map(|gpu| gpu.lowest()),
        "half_cosine": proof.halves.map(|halves| halves.lowest()),
        "eight_bit_cosine": proof.eight,
        "eight_bits_used": proof.uses_eight_bits(),
    })
}
