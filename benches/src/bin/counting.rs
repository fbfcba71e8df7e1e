//! The measured program on an allocator that counts. Counting takes time, so only the scenario of memory runs here.

#[global_allocator]
static ALLOCATOR: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

fn main() -> std::process::ExitCode {
    anydask_benches::main(anydask_benches::SYSTEM)
}
