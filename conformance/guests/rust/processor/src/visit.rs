//! What Rust's own library makes of the grants: arguments, variables, a directory that may be written, and what is not granted.

use std::env;
use std::fmt::Display;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Result, Seek, SeekFrom, Write};

use crate::abi::{self, Level};

fn say(what: &str, value: impl Display) {
    abi::log(Level::Info, &format!("visit: {what}: {value}"));
}

pub fn visit(directory: &str) -> Result<()> {
    let mut variables: Vec<_> = env::vars()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    variables.sort();
    say("arguments", env::args().collect::<Vec<_>>().join(" "));
    say("variables", variables.join(" "));

    let below = format!("{directory}/a/b");
    let file = format!("{below}/file");
    let moved = format!("{directory}/a/moved");
    fs::create_dir_all(&below)?;
    fs::write(&file, "hello")?;
    OpenOptions::new()
        .append(true)
        .open(&file)?
        .write_all(b" world")?;
    fs::rename(&file, &moved)?;
    say("content", fs::read_to_string(&moved)?);
    let mut tail = String::new();
    let mut opened = File::open(&moved)?;
    opened.seek(SeekFrom::Start(6))?;
    opened.read_to_string(&mut tail)?;
    say("from 6", tail);
    say("size", fs::metadata(&moved)?.len());
    say(
        "through a link",
        fs::read_to_string(format!("{directory}/link"))?,
    );
    let mut names = Vec::new();
    for entry in fs::read_dir(format!("{directory}/a"))? {
        let entry = entry?;
        let is_directory = entry.file_type()?.is_dir();
        names.push(format!("{} {is_directory}", entry.file_name().display()));
    }
    names.sort();
    say("entries", names.join(", "));
    fs::remove_dir_all(format!("{directory}/a"))?;
    say("gone", errno(fs::metadata(&moved)));
    for path in [
        format!("{directory}/outside"),
        format!("{directory}/../secret"),
        String::from("/etc/passwd"),
    ] {
        say(&path, errno(fs::read(&path)));
    }
    say("writing in /fixed", errno(fs::write("/fixed/new", "")));
    Ok(())
}

/// WASI's number of what went wrong, 0 if nothing did.
fn errno<T>(result: Result<T>) -> i32 {
    result
        .err()
        .and_then(|error| error.raw_os_error())
        .unwrap_or(0)
}
