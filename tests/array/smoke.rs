use anydask::{Client, Graph, Optimize, array, runtime::Smol};

#[test]
fn smoke() {
    let client = Client::<Smol>::local().wait().unwrap();
    let x = array::random([1000, 1000], [1000, 100]);
    let mean = x.mean();
    println!("{:?}", Graph::of(&mean).optimized(Optimize::new()).names());
    println!("{}", client.compute(&mean).wait().unwrap());
    let x = array::arange(0, 12, 1, 5);
    println!("{:?}", client.compute(&(&x * 2 + 1).sqrt()).wait().unwrap());
    let y = array::linspace(0.0, 1.0, 12, 4);
    println!("{:?}", client.compute(&(&x + &y)).wait().unwrap());
    println!("{:?}", client.compute(&x.std(1.0)).wait().unwrap());
    println!("{:?}", client.compute(&y.argmax().unwrap()).wait().unwrap());
}
