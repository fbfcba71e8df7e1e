//! Bags of the lines of text files.

use std::error::Error as StdError;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::graph::{Hints, delayed_with};
use crate::{Bag, task};

impl Bag<String> {
    /// The lines of text files, without their ends, a partition for each file: Dask's `read_text`. The files are read when
    /// the bag is computed, by its tasks: on a Dask cluster, by its workers.
    ///
    /// Large files are better cut into blocks, by [`from_lines_in_blocks`](Self::from_lines_in_blocks).
    ///
    /// # Errors
    ///
    /// When it is computed: [`LinesError`], with the file.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Bag, Client, runtime::Smol};
    ///
    /// # std::env::set_current_dir(env!("CARGO_MANIFEST_DIR"))?;
    /// let client = Client::<Smol>::local().wait()?;
    /// let lines = Bag::from_lines(["Cargo.toml", "README.md"]);
    /// assert!(client.compute(lines.filter(|line| line.contains("anydask")).count()).wait()? > 2);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_lines<P: Into<PathBuf>>(paths: impl IntoIterator<Item = P>) -> Self {
        Self::from_blocks(paths.into_iter().map(|path| (path.into(), 0..u64::MAX)))
    }

    /// As [`from_lines`](Self::from_lines), with a partition for each block of about so many bytes of each file. A line belongs
    /// to the block in which it begins. A block has at least one byte, whatever is asked for.
    ///
    /// # Errors
    ///
    /// [`LinesError`] at once, if the size of a file cannot be learned.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask::Bag;
    ///
    /// # std::env::set_current_dir(env!("CARGO_MANIFEST_DIR")).unwrap();
    /// assert!(Bag::from_lines_in_blocks(["README.md"], 1 << 10)?.partition_count() > 1);
    /// assert!(Bag::from_lines_in_blocks(["no-such-file"], 1 << 10).is_err());
    /// # Ok::<(), anydask::LinesError>(())
    /// ```
    pub fn from_lines_in_blocks<P: Into<PathBuf>>(
        paths: impl IntoIterator<Item = P>,
        nbytes: u64,
    ) -> Result<Self, LinesError> {
        let nbytes = nbytes.max(1);
        let mut blocks = Vec::new();
        for path in paths {
            let path: PathBuf = path.into();
            let length = fs::metadata(&path).map_err(|source| LinesError::new(&path, source))?.len();
            // What is appended meanwhile belongs to the last block; an empty file has one.
            let count = length.div_ceil(nbytes).max(1);
            let end = |place| if place + 1 == count { u64::MAX } else { (place + 1) * nbytes };
            blocks.extend((0..count).map(|place| (path.clone(), place * nbytes..end(place))));
        }
        Ok(Self::from_blocks(blocks))
    }

    fn from_blocks(blocks: impl IntoIterator<Item = (PathBuf, Range<u64>)>) -> Self {
        let hints = || Hints::new().name("from_lines");
        let read = |(path, block)| delayed_with(hints(), read_lines, (path, block));
        Self::from_partitions(blocks.into_iter().map(read))
    }
}

/// The lines that begin in a block of a file.
#[task]
fn read_lines(path: PathBuf, block: Range<u64>) -> Result<Vec<String>, LinesError> {
    let read = || {
        let mut file = BufReader::new(File::open(&path)?);
        let mut position = block.start;
        if block.start > 0 {
            // Whether a line begins here, the byte before tells.
            file.seek(SeekFrom::Start(block.start - 1))?;
            position = block.start - 1 + file.skip_until(b'\n')? as u64;
        }
        let mut lines = Vec::new();
        while position < block.end {
            let mut line = String::new();
            let nbytes = file.read_line(&mut line)?;
            if nbytes == 0 {
                break;
            }
            position += nbytes as u64;
            if line.ends_with('\n') {
                line.pop();
                if line.ends_with('\r') {
                    line.pop();
                }
            }
            lines.push(line);
        }
        Ok(lines)
    };
    read().map_err(|source| LinesError::new(&path, source))
}

/// A text file that could not be read.
#[derive(Debug)]
pub struct LinesError {
    path: PathBuf,
    source: io::Error,
}

impl LinesError {
    fn new(path: &Path, source: io::Error) -> Self {
        Self { path: path.to_owned(), source }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for LinesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the lines of `{}` could not be read", self.path.display())?;
        if self.source.kind() == io::ErrorKind::InvalidData {
            f.write_str(", since it is not UTF-8: read it by a function of your own, with `Bag::from_partitions`")?;
        }
        Ok(())
    }
}

impl StdError for LinesError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.source)
    }
}
