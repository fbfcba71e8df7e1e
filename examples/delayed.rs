//! The words of the text files of a folder, counted by a graph that is built first and run then.
//!
//! ```sh
//! cargo run --example delayed --features tokio                    # the Markdown files of this folder
//! cargo run --example delayed --features tokio -- docs            # those of another
//! cargo run --example delayed --features tokio -- docs graph.svg  # and a picture of the graph
//! ```

use std::env;
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anydask::runtime::Tokio;
use anydask::{Bag, Client, Delayed, Graph, Optimize, delayed, task};

/// Registered tasks are nodes as they are. What one returns as `Err` fails what depends on it, and nothing else.
#[task]
fn load(path: PathBuf) -> io::Result<String> {
    fs::read_to_string(path)
}

#[task]
fn count_words(text: Arc<String>) -> usize {
    text.split_whitespace().count()
}

#[task]
fn longest_line(text: Arc<String>) -> String {
    text.lines().max_by_key(|line| line.chars().count()).unwrap_or_default().trim().to_owned()
}

#[task]
fn longer(lines: Vec<String>) -> String {
    lines.into_iter().max_by_key(|line| line.chars().count()).unwrap_or_default()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let files = text_files(Path::new(&folder))?;
    let client = Client::<Tokio>::local().await?;

    // A graph of calls. Nothing is read yet.
    let texts: Vec<Delayed<String>> = files.iter().map(|path| delayed(load, path.clone())).collect();
    let counts: Vec<Delayed<usize>> = texts.iter().map(|text| delayed(count_words, text)).collect();
    let total = delayed(|counts: Vec<usize>| counts.iter().sum::<usize>(), &counts);
    let lines: Vec<_> = texts.iter().map(|text| delayed(longest_line, text)).collect();
    let longest = delayed(longer, lines);

    // It can be looked at, before and after it is optimised.
    let graph = Graph::of((&counts, &total, &longest));
    let optimized = graph.optimized(Optimize::new());
    println!("{} files, {} tasks, {} edges", files.len(), graph.node_count(), graph.edge_count());
    println!("at most {} values at once, instead of {}", optimized.peak_value_count(), graph.peak_value_count());
    if let Some(path) = env::args().nth(2) {
        match optimized.write(&path) {
            Ok(()) => println!("the graph is drawn in {path}"),
            Err(error) => println!("no picture: {error}"),
        }
    }

    // Computed together, each file is read once.
    let (counts, total, longest) = client.compute((&counts, &total, &longest));
    for (path, count) in files.iter().zip(client.gather(counts).await?) {
        println!("{count:8}  {}", path.display());
    }
    println!("{:8}  words in all", total.await?);
    println!("the longest line has {} letters", longest.await?.chars().count());

    // A bag does the same to each line of all files, and keeps its partitions when it is persisted.
    let words = Bag::from_lines(&files)
        .flat_map(|line| line.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>())
        .map(|word| word.trim_matches(|letter: char| !letter.is_alphanumeric()).to_owned())
        .filter(|word| !word.is_empty());
    let words = client.persist(&words);
    let distinct = client.compute(words.distinct().count());
    let mut often = client.compute(&words.frequencies().filter(|(_, count)| *count > 1)).await?;
    often.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
    println!("{} different words; the most frequent ones:", distinct.await?);
    for (word, count) in often.iter().take(5) {
        println!("{count:8}  {word}");
    }

    client.close().await?;
    Ok(())
}

fn text_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md" || extension == "txt") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
