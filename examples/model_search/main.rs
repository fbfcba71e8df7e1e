//! A model search: many small trainings, of which each may change what is worth training next.
//!
//! ```text
//! cargo run --release --example model_search --features tokio,progress
//! ```
//!
//! A network learns a noisy curve. Which settings it learns best with is searched for in rounds: each trains settings
//! around the best ones so far, and in ever smaller steps. While a round runs, the next one begins around what is the
//! best for now. When something better comes, all that has grown around the old best is cancelled, whether it waits or
//! runs, and other trainings take its place. Trainings that diverge are replaced by more careful ones.
//!
//! However the threads take turns, the same settings win: a round goes on from the best of *all* that it has trained,
//! and the random numbers of a training belong to it alone.
//!
//! The first argument is the seed.

use std::env;
use std::time::Instant;

use anydask::indicatif::{ProgressBar, ProgressStyle};
use anydask::runtime::Tokio;
use anydask::{Client, Error, Status, TaskFuture, as_completed, fallible};

mod network;
mod random;
mod settings;

use network::{Data, Diverged, Trained};
use random::Random;
use settings::Settings;

/// The seed, without an argument.
const SEED: u64 = 3;
/// Rounds after the first, which draws settings from everywhere.
const ROUNDS: u64 = 8;
/// Trainings of the first round.
const DRAWN: usize = 24;
/// Trainings of each further round.
const GROWN: usize = 12;
/// How far settings of the second round are from those that they have grown around; halved every other round.
const STEP: f64 = 0.4;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seed = env::args().nth(1).map_or(Ok(SEED), |seed| seed.parse())?;
    let client = Client::<Tokio>::local().await?;
    let start = Instant::now();
    let data = client.scatter(Data::new(seed)).await?;
    let mut search = Search { client, data, seed, trainings: 0, cancelled: 0 };
    let best = search.run().await?;
    println!();
    println!("best: {best}");
    println!(
        "{} trainings, {} of them cancelled, in {:.1} s on {} threads",
        search.trainings,
        search.cancelled,
        start.elapsed().as_secs_f64(),
        search.client.threads()
    );
    search.client.close().await?;
    Ok(())
}

struct Search {
    client: Client<Tokio>,
    /// Shared by all trainings.
    data: TaskFuture<Data>,
    seed: u64,
    trainings: usize,
    cancelled: usize,
}

impl Search {
    async fn run(&mut self) -> Result<Trained, Error> {
        println!("round  trained  diverged  cancelled  best loss");
        let mut random = Random::new(self.seed);
        let first = (0..DRAWN).map(|_| self.train(Settings::draw(&mut random))).collect();
        let (mut best, mut next) = self.round(0, None, first).await?;
        for round in 1..=ROUNDS {
            (best, next) = self.round(round, Some(best), next).await?;
        }
        Ok(best)
    }

    /// Trains what there is, and gives the best with what has begun to grow around it.
    async fn round(
        &mut self,
        round: u64,
        best: Option<Trained>,
        trainings: Vec<TaskFuture<Trained>>,
    ) -> Result<(Trained, Vec<TaskFuture<Trained>>), Error> {
        // Drawn on the side: nobody here waits for it.
        let bar = tokio::spawn(self.client.progress(&trainings)?.bar_on(bar(round)));
        let (mut trained, mut diverged, mut cancelled) = (0, 0, 0);
        let mut next = best.as_ref().map_or(Vec::new(), |best| self.grow(round + 1, best));
        let mut best = best;
        let mut completed = as_completed(trainings);
        while let Some(done) = completed.next().await {
            match done.await {
                Ok(found) => {
                    trained += 1;
                    if best.as_ref().is_none_or(|best| found.loss < best.loss) {
                        cancelled += self.cancel(next).await?;
                        next = self.grow(round + 1, &found);
                        best = Some(found);
                    }
                }
                Err(error) => {
                    // What else can go wrong ends the search.
                    let Diverged(settings) = error.downcast_ref().ok_or_else(|| error.clone())?;
                    diverged += 1;
                    completed.push(self.train(settings.more_careful()));
                }
            }
        }
        // It ends with the trainings. An error says that its task panicked.
        bar.await.expect("a bar is drawn")?;
        self.cancelled += cancelled;
        let best = best.expect("a round trains something");
        println!("{round:>5}  {trained:>7}  {diverged:>8}  {cancelled:>9}  {:>9.5}", best.loss);
        Ok((best, next))
    }

    fn train(&mut self, settings: Settings) -> TaskFuture<Trained> {
        self.trainings += 1;
        self.client.submit(fallible(network::train), (&self.data, settings))
    }

    /// Begins to train settings around the best ones: the same ones, whenever it is found.
    fn grow(&mut self, round: u64, best: &Trained) -> Vec<TaskFuture<Trained>> {
        if round > ROUNDS {
            return Vec::new();
        }
        let mut random = Random::new(self.seed ^ (round << 32));
        let step = STEP * 0.5_f64.powf((round - 1) as f64 / 2.0);
        (0..GROWN).map(|_| self.train(best.settings.around(step, &mut random))).collect()
    }

    /// Cancels trainings and counts those that had not ended.
    async fn cancel(&self, trainings: Vec<TaskFuture<Trained>>) -> Result<usize, Error> {
        self.client.cancel_because(&trainings, "others are better").await?;
        Ok(trainings.iter().filter(|training| training.status() == Status::Cancelled).count())
    }
}

/// The bar of one round, which gives way to its line in the table.
fn bar(round: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:>5}  [{bar:40}] {pos}/{len} {msg}").expect("a template");
    ProgressBar::new(0).with_style(style.progress_chars("##-")).with_prefix(round.to_string())
}
