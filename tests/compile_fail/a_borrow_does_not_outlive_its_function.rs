use anydask::{Client, runtime::Smol};

fn sum(client: &Client<Smol>) -> i64 {
    let numbers = vec![1, 2, 3];
    let sum = client.submit(|| numbers.iter().sum::<i64>(), ());
    sum.wait().unwrap()
}

fn main() {
    sum(&Client::<Smol>::local().wait().unwrap());
}
