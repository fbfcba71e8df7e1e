//! A library that names no runtime, used from two in one program.
//!
//! ```text
//! cargo run --example library --features tokio,smol
//! ```

use anydask::runtime::{Smol, Tokio};
use anydask::{Client, Error};

mod training;

use self::training::{Points, train};

/// Steps of the descent.
const STEPS: usize = 500;
/// How far one step goes.
const RATE: f64 = 0.5;

fn main() -> Result<(), Error> {
    let on_tokio = Client::<Tokio>::scope(async |client| train(&client, points(), STEPS, RATE).await).wait()?;
    println!("on tokio: y = {:.3} x + {:.3}", on_tokio.slope, on_tokio.offset);

    let on_smol = smol::block_on(async {
        let client = Client::<Smol>::local().await?;
        let line = train(&client, points(), STEPS, RATE).await?;
        client.close().await?;
        Ok::<_, Error>(line)
    })?;
    println!("on smol: y = {:.3} x + {:.3}", on_smol.slope, on_smol.offset);

    println!("they are {}", if on_tokio == on_smol { "equal" } else { "different" });
    Ok(())
}

/// Points on the line `y = 3 x + 1`, in four chunks.
fn points() -> Vec<Points> {
    (0..4)
        .map(|chunk| {
            let x: Vec<f64> = (0..250).map(|n| f64::from(chunk * 250 + n) / 1000.0).collect();
            let y = x.iter().map(|x| 3.0 * x + 1.0).collect();
            Points { x, y }
        })
        .collect()
}
