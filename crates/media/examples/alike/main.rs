//! Draws pictures that look alike and are not the same: `alike FOLDER COUNT`. Indexed, none of them may be called a
//! duplicate of another (`benches/README.md`).

mod draw;

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(folder), Some(count)) = (args.next().map(PathBuf::from), args.next()) else {
        return Err("alike FOLDER COUNT".into());
    };
    std::fs::create_dir_all(&folder)?;
    for at in 0..count.parse::<usize>()? {
        let (kind, draw) = draw::KINDS[at % draw::KINDS.len()];
        let number = (at / draw::KINDS.len()) as u64;
        let jpeg = sightline_media::thumbnail(&draw(number), u32::MAX)?;
        std::fs::write(folder.join(format!("{kind}-{number:04}.jpg")), jpeg)?;
    }
    Ok(())
}
