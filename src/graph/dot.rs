//! Pictures of graphs, drawn by Graphviz.

use std::error::Error as StdError;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, thread};

use crate::graph::Graph;

/// Most tasks of a graph that is drawn. `dot` takes minutes for more, and nobody could read the picture.
const TASKS_MAX: usize = 5_000;

impl Graph {
    /// The graph in the language of Graphviz: a box for each task, a filled one for each future, a bold one for what was asked
    /// for, and arrows from each task to those that take its value.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask::graph::{Hints, delayed_with};
    ///
    /// let x = delayed_with(Hints::new().name("x"), || 1, ());
    /// let y = delayed_with(Hints::new().name("y"), |x: i64| x + 1, &x);
    /// let dot = y.graph().to_dot();
    /// assert!(dot.contains("0 [label=\"x\"]") && dot.contains("0 -> 1"));
    /// ```
    pub fn to_dot(&self) -> String {
        let mut dot = String::from("digraph {\n    rankdir=BT;\n    node [shape=box];\n");
        // Writing to a string never fails.
        for (place, task) in self.tasks.iter().enumerate() {
            let names: Vec<_> = task.steps.iter().map(|step| escaped(&step.node.name())).collect();
            let style = match (task.is_future(), task.is_wanted) {
                (true, true) => ", style=\"bold,filled\"",
                (true, false) => ", style=filled",
                (false, true) => ", style=bold",
                (false, false) => "",
            };
            // `\n` is Graphviz's own.
            let _ = writeln!(dot, "    {place} [label=\"{}\"{style}];", names.join("\\n"));
        }
        for (place, task) in self.tasks.iter().enumerate() {
            for input in task.inputs() {
                let _ = writeln!(dot, "    {input} -> {place};");
            }
        }
        dot.push_str("}\n");
        dot
    }

    /// Draws the graph into a file: `.svg`, `.png` or `.pdf` with Graphviz's program `dot`, which must be installed; `.dot`
    /// without. Blocks until it is there.
    ///
    /// The program is the one that the environment variable `GRAPHVIZ_DOT` names, else the `dot` that is found as commands
    /// are.
    ///
    /// # Errors
    ///
    /// [`DrawError`]. What was there before stays then, unless the disk is full.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask::delayed;
    /// use anydask::graph::DrawError;
    ///
    /// let graph = delayed(|| 1, ()).graph();
    /// match graph.write(std::env::temp_dir().join("anydask-graph-example.svg")) {
    ///     Ok(()) => {}
    ///     Err(error @ DrawError::NoGraphviz { .. }) => eprintln!("{error}"),
    ///     Err(error) => panic!("{error}"),
    /// }
    /// ```
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), DrawError> {
        let path = path.as_ref();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let picture = match extension {
            "dot" | "gv" => self.to_dot().into_bytes(),
            "svg" | "png" | "pdf" => self.draw(extension)?,
            _ => return Err(DrawError::UnknownFormat { path: path.to_owned() }),
        };
        fs::write(path, picture).map_err(|source| DrawError::File { path: path.to_owned(), source })
    }

    fn draw(&self, format: &str) -> Result<Vec<u8>, DrawError> {
        if self.tasks.len() > TASKS_MAX {
            return Err(DrawError::TooLarge { tasks: self.tasks.len(), tasks_max: TASKS_MAX });
        }
        let program = env::var_os("GRAPHVIZ_DOT").unwrap_or_else(|| "dot".into());
        let no_graphviz = |source| DrawError::NoGraphviz { program: PathBuf::from(&program), source };
        let mut command = Command::new(&program);
        command.arg(format!("-T{format}")).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(no_graphviz)?;
        let (stdin, dot) = (child.stdin.take(), self.to_dot());
        // Beside, since both sides would wait for each other if the pipes were full.
        let writer = thread::spawn(move || stdin.map_or(Ok(()), |mut stdin| stdin.write_all(dot.as_bytes())));
        let output = child.wait_with_output().map_err(no_graphviz)?;
        // What could not be written, because it has ended, it has told about.
        let _ = writer.join();
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(DrawError::Graphviz { status: output.status.to_string(), message });
        }
        Ok(output.stdout)
    }
}

/// Why a graph was not drawn.
#[derive(Debug)]
#[non_exhaustive]
pub enum DrawError {
    /// The name of the file does not say in which format.
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// Graphviz is not installed, or cannot be started.
    NoGraphviz {
        /// The program that was looked for.
        program: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Graphviz did not draw it.
    Graphviz {
        /// How it ended.
        status: String,
        /// What it said.
        message: String,
    },
    /// The graph is too large for a picture.
    TooLarge {
        /// How many tasks it has.
        tasks: usize,
        /// How many are drawn at most.
        tasks_max: usize,
    },
    /// The file could not be written.
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl fmt::Display for DrawError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFormat { path } => {
                write!(f, "`{}` says no format; give it the ending .svg, .png, .pdf or .dot", path.display())
            }
            Self::NoGraphviz { program, .. } => write!(
                f,
                "Graphviz's program `{}` could not be started; install Graphviz (`apt install graphviz`, `brew install \
                 graphviz`), name the program in the environment variable GRAPHVIZ_DOT, or write a `.dot` file",
                program.display()
            ),
            Self::Graphviz { status, message } => {
                write!(f, "Graphviz ended with {status}: {message}; write a `.dot` file to see what it was given")
            }
            Self::TooLarge { tasks, tasks_max } => write!(
                f,
                "a graph of {tasks} tasks is too large for a picture, which has {tasks_max} at most; draw a part of it, \
                 or write a `.dot` file"
            ),
            Self::File { path, .. } => write!(f, "`{}` could not be written", path.display()),
        }
    }
}

impl StdError for DrawError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::NoGraphviz { source, .. } | Self::File { source, .. } => Some(source),
            Self::UnknownFormat { .. } | Self::Graphviz { .. } | Self::TooLarge { .. } => None,
        }
    }
}

fn escaped(name: &str) -> String {
    name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', " ")
}
