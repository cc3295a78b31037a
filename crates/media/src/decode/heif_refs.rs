//! What the system's libheif stumbles over in files of newer phones, taken out before it sees them.
//!
//! Since iOS 18 one block of EXIF describes two pictures, and one auxiliary picture belongs to two (`iref` of
//! ISO/IEC 14496-12, 8.11.12, with two targets). libheif before 1.18 takes that for damage. Of such references one target
//! is left: the picture that is shown, if it is among them.

use std::borrow::Cow;

use crate::structure::boxes;

/// References of which libheif wants one target.
const SINGLE: [[u8; 4]; 3] = [*b"cdsc", *b"auxl", *b"thmb"];
/// Bytes of the `meta` box's header, and of its version and flags.
const HEAD: usize = 8;
const FULL: usize = 4;

/// The file as libheif understands it. Where something is to be changed, the old list of items becomes free space and the
/// new one stands at the end, so that nothing else moves.
pub(super) fn trimmed(bytes: &[u8]) -> Cow<'_, [u8]> {
    with_single_targets(bytes).map_or(Cow::Borrowed(bytes), Cow::Owned)
}

fn with_single_targets(bytes: &[u8]) -> Option<Vec<u8>> {
    let (_, meta) = boxes(bytes).find(|(kind, _)| kind == b"meta")?;
    let at = (meta.as_ptr() as usize).checked_sub(bytes.as_ptr() as usize)?.checked_sub(HEAD)?;
    let size = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize;
    if size != meta.len() + HEAD {
        // With a long header, or cut off.
        return None;
    }
    let inner = meta.get(FULL..)?;
    let primary = boxes(inner).find(|(kind, _)| kind == b"pitm").and_then(|(_, item)| number(item.get(FULL..)?));
    let mut new = meta[..FULL].to_vec();
    let mut changed = false;
    for (kind, contents) in boxes(inner) {
        let trimmed = (&kind == b"iref").then(|| references(contents, primary)).flatten();
        changed |= trimmed.is_some();
        push(&mut new, kind, trimmed.as_deref().unwrap_or(contents))?;
    }
    if !changed {
        return None;
    }
    let mut file = Vec::with_capacity(bytes.len() + new.len() + HEAD);
    file.extend_from_slice(bytes);
    file[at + 4..at + 8].copy_from_slice(b"free");
    push(&mut file, *b"meta", &new)?;
    Some(file)
}

/// The list of references with one target where there may be one; `None` where that is so already.
fn references(iref: &[u8], primary: Option<u64>) -> Option<Vec<u8>> {
    let width = if *iref.first()? == 0 { 2 } else { 4 };
    let mut new = iref.get(..FULL)?.to_vec();
    let mut changed = false;
    for (kind, reference) in boxes(&iref[FULL..]) {
        let (from, rest) = reference.split_at_checked(width)?;
        let (count, targets) = rest.split_at_checked(2)?;
        let targets: Vec<&[u8]> = targets.chunks_exact(width).take(usize::from(number(count)? as u16)).collect();
        if !SINGLE.contains(&kind) || targets.len() < 2 {
            push(&mut new, kind, reference)?;
            continue;
        }
        let kept = targets.iter().find(|target| number(target) == primary).unwrap_or(&targets[0]);
        push(&mut new, kind, &[from, &[0, 1], kept].concat())?;
        changed = true;
    }
    changed.then_some(new)
}

/// A number, high byte first.
fn number(bytes: &[u8]) -> Option<u64> {
    (!bytes.is_empty() && bytes.len() <= 8).then(|| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn push(file: &mut Vec<u8>, kind: [u8; 4], contents: &[u8]) -> Option<()> {
    file.extend(u32::try_from(contents.len() + HEAD).ok()?.to_be_bytes());
    file.extend(kind);
    file.extend_from_slice(contents);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    /// A file whose references of these kinds have a second target, as iOS 18 writes them.
    fn of_two(bytes: &[u8], kinds: &[&[u8; 4]]) -> Vec<u8> {
        let meta = bytes.windows(4).position(|kind| kind == b"meta").unwrap() - 4;
        let (_, contents) = boxes(&bytes[meta..]).next().unwrap();
        let mut new = contents[..FULL].to_vec();
        for (kind, contents) in boxes(&contents[FULL..]) {
            let mut whole = contents.to_vec();
            if &kind == b"iref" {
                whole.truncate(FULL);
                for (kind, reference) in boxes(&contents[FULL..]) {
                    let mut reference = reference.to_vec();
                    if kinds.contains(&&kind) {
                        reference[3] = 2;
                        // A picture that is not the one that is shown, first.
                        let from: [u8; 2] = reference[..2].try_into().unwrap();
                        reference.splice(4..4, from);
                    }
                    push(&mut whole, kind, &reference).unwrap();
                }
            }
            push(&mut new, kind, &whole).unwrap();
        }
        let mut file = bytes.to_vec();
        file[meta + 4..meta + 8].copy_from_slice(b"free");
        push(&mut file, *b"meta", &new).unwrap();
        file
    }

    #[test]
    fn photos_of_ios_18_are_decoded_as_those_before() {
        let fixture =
            |name: &str| std::fs::read(format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let limits = Limits::default();
        let plain = fixture("clear.heic");
        assert!(matches!(trimmed(&plain), Cow::Borrowed(_)), "nothing is copied without need");
        let odd = of_two(&plain, &[b"auxl", b"cdsc"]);
        assert!(matches!(trimmed(&odd), Cow::Owned(_)));
        let [want, found] =
            [&plain, &odd].map(|bytes| super::super::heif::decode(bytes, &limits).ok().map(|stored| stored.rgb));
        assert!(want.is_some());
        assert_eq!(found, want);
        for end in 0..odd.len() {
            trimmed(&odd[..end]);
        }
    }
}
