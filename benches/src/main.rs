//! The benchmark suite, on the allocator of the system; see `--help`.

fn main() -> std::process::ExitCode {
    anydask_benches::main(anydask_benches::SYSTEM)
}
