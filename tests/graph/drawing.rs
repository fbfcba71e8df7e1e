//! Pictures of graphs.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anydask::graph::{DrawError, Hints, delayed_with};
use anydask::{Client, Graph, Optimize, delayed, runtime::Smol};

fn named(name: &str) -> anydask::Delayed<i64> {
    delayed_with(Hints::new().name(name), || 1, ())
}

fn graph() -> Graph {
    let x = named("load \"x\"");
    let y = delayed_with(Hints::new().name("y"), |x: i64| x, &x);
    delayed_with(Hints::new().name("sum"), |x: i64, y: i64| x + y, (&y, named("z"))).graph()
}

/// A folder of this test's, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("anydask-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_graph_is_told_to_graphviz_before_and_after_it_is_optimised() {
    assert_eq!(
        graph().to_dot(),
        r#"digraph {
    rankdir=BT;
    node [shape=box];
    0 [label="load \"x\""];
    1 [label="y"];
    2 [label="z"];
    3 [label="sum", style=bold];
    0 -> 1;
    1 -> 3;
    2 -> 3;
}
"#
    );
    let optimized = graph().optimized(Optimize::new()).to_dot();
    assert!(optimized.contains(r#"0 [label="load \"x\"\ny"];"#), "{optimized}");
}

#[test]
fn futures_are_filled() {
    let client = Client::<Smol>::local().wait().unwrap();
    let kept = client.persist(named("x"));
    let dot = Graph::of((&kept, delayed(|x: i64| x, &kept))).to_dot();
    assert!(dot.contains(r#"0 [label="future", style="bold,filled"]"#), "{dot}");
}

#[test]
fn a_dot_file_needs_no_graphviz() {
    let folder = Folder::new("dot");
    graph().write(folder.file("graph.dot")).unwrap();
    assert_eq!(fs::read_to_string(folder.file("graph.dot")).unwrap(), graph().to_dot());
}

#[test]
fn an_ending_that_says_no_format_is_refused() {
    for name in ["graph", "graph.jpeg"] {
        let error = graph().write(name).unwrap_err();
        assert!(matches!(&error, DrawError::UnknownFormat { path } if path == Path::new(name)), "{error:?}");
        assert!(error.to_string().contains(".svg"), "{error}");
    }
}

#[test]
fn a_graph_that_is_too_large_is_refused() {
    let many: Vec<_> = (0..5_001).map(|i| delayed(|i: i64| i, i)).collect();
    let error = Graph::of(&many).write("never.svg").unwrap_err();
    assert!(matches!(error, DrawError::TooLarge { tasks: 5_001, tasks_max: 5_000 }), "{error:?}");
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let folder = Folder::new("missing");
    let error = graph().write(folder.file("not/there.dot")).unwrap_err();
    assert!(matches!(error, DrawError::File { .. }) && error.to_string().contains("there.dot"), "{error:?}");
}

/// Programs that stand for Graphviz, which may not be installed where this runs.
#[cfg(unix)]
mod with_programs {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    /// Runs this test program once more for `test`, with `GRAPHVIZ_DOT` set.
    fn with_dot(test: &str, script: Option<&str>) {
        let folder = Folder::new(test.rsplit("::").next().unwrap_or_default());
        let program = folder.file("dot");
        if let Some(script) = script {
            fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let output = Command::new(env::current_exe().unwrap())
            .args([test, "--exact", "--ignored"])
            .env("GRAPHVIZ_DOT", &program)
            .env("GRAPH_FOLDER", &folder.0)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
    }

    fn picture() -> PathBuf {
        PathBuf::from(env::var_os("GRAPH_FOLDER").unwrap()).join("graph.svg")
    }

    #[test]
    fn graphviz_is_given_the_graph_and_the_format() {
        with_dot("drawing::with_programs::drawn", Some("echo \"$1\"; cat"));
    }

    #[test]
    #[ignore = "run by the test above"]
    fn drawn() {
        graph().write(picture()).unwrap();
        assert_eq!(fs::read_to_string(picture()).unwrap(), format!("-Tsvg\n{}", graph().to_dot()));
    }

    #[test]
    fn a_graphviz_that_fails_tells_why() {
        with_dot("drawing::with_programs::not_drawn", Some("echo 'no such thing' >&2; exit 3"));
    }

    #[test]
    #[ignore = "run by the test above"]
    fn not_drawn() {
        let error = graph().write(picture()).unwrap_err();
        assert!(matches!(&error, DrawError::Graphviz { message, .. } if message == "no such thing"), "{error:?}");
        assert!(!picture().exists());
    }

    #[test]
    fn a_graphviz_that_is_missing_is_an_error_that_names_the_fix() {
        with_dot("drawing::with_programs::not_there", None);
    }

    #[test]
    #[ignore = "run by the test above"]
    fn not_there() {
        let error = graph().write(picture()).unwrap_err();
        assert!(matches!(error, DrawError::NoGraphviz { .. }), "{error:?}");
        assert!(error.to_string().contains("install Graphviz"), "{error}");
    }
}
