//! Lazy graphs on a cluster: the scheduler has them, and they give what they give on the embedded engine.

use anydask::graph::{Hints, delayed_with};
use anydask::{Client, Delayed, Error, Options, TaskFuture, delayed, python};

use crate::everywhere::says;
use crate::ground::{AnyOf, Gate, Ground, on_clusters};
use crate::tasks::{add, boom, div, double, double_later, hold, inc, mark, parse, total};

on_clusters! {
    a_graph_gives_what_it_gives_on_the_embedded_engine;
    a_graph_is_one_message_and_keeps_only_what_was_asked_for;
    futures_go_into_a_graph_and_come_out_of_it;
    what_is_persisted_is_run_once;
    python_functions_are_nodes;
    a_failure_is_that_of_what_was_computed;
    closures_are_refused;
    options_of_a_client_are_those_of_its_graphs;
}

/// Of which functions there are values.
const IN_MEMORY: &str = "sorted(t.prefix.name for t in s.tasks.values() if t.state == 'memory')";

pub async fn embedded<R: AnyOf>(on: &Ground<R>) -> Client<R> {
    on.get(on.builder().threads(2).local()).await.unwrap()
}

async fn a_graph_gives_what_it_gives_on_the_embedded_engine<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let embedded = embedded(&on).await;
    let shared = delayed(inc, delayed(parse, "41".to_owned()));
    let sides = [delayed(double, &shared), delayed(double_later, &shared), delayed(add, (&shared, 5))];
    let sum = delayed(total, &sides);
    let difference = delayed(div, (&sum, &shared));
    let lazy = || (&sum, [&difference, &shared], vec![&sides[0]]);
    let expected = on.get(embedded.gather(embedded.compute(lazy()))).await.unwrap();
    assert_eq!(expected, (84 + 84 + 47, [5, 42], vec![84]));
    let futures = client.compute(lazy());
    assert_eq!(on.get(client.gather(&futures)).await.unwrap(), expected);
    assert!(futures.0.key().starts_with("total-") && !futures.0.key().contains('+'), "{}", futures.0.key());
    on.until_look(IN_MEMORY, r#"["div", "double", "inc", "total"]"#).await;
}

async fn a_graph_is_one_message_and_keeps_only_what_was_asked_for<R: AnyOf>(on: Ground<R>) {
    let _a = on.worker("a", 1).await;
    let client = on.client().await;
    let gate = Gate::new();
    let first = delayed(hold, (gate.name.clone(), 1));
    let many: Vec<_> = (0..500).map(|_| delayed(inc, &first)).collect();
    let sum = client.compute(delayed_with(Hints::new().name("sum of many"), total, &many));
    on.passed(gate.began()).await;
    // A message is a generation.
    let seen = "[len(s.tasks), len({t.priority[1] for t in s.tasks.values()}), [k for k, t in s.tasks.items() if t.who_wants]]";
    assert_eq!(on.look(seen), format!(r#"[502, 1, ["{}"]]"#, sum.key()));
    assert!(sum.key().starts_with("sum of many-"), "{}", sum.key());
    gate.open();
    assert_eq!(on.value(&sum).await.unwrap(), 1000);
    on.until_look(IN_MEMORY, r#"["sum of many"]"#).await;
}

async fn futures_go_into_a_graph_and_come_out_of_it<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let (one, five) = (client.submit(inc, 0), on.get(client.scatter(5_i64)).await.unwrap());
    let six = client.compute(delayed(add, (&one, delayed(add, (0, &five)))));
    let twelve = client.submit(add, (&six, &six));
    let list = client.compute(delayed(total, vec![&twelve, &one]));
    assert_eq!(on.value(&list).await.unwrap(), 13);
    // They are there still.
    assert_eq!(on.get(client.gather((&one, &five, &six, &twelve))).await.unwrap(), (1, 5, 6, 12));
    assert!(["[\"a\"]", "[\"b\"]"].contains(&&*on.holders(&six)), "{}", on.holders(&six));

    let embedded = embedded(&on).await;
    let foreign = embedded.submit(inc, 1);
    let error = on.error(&client.compute(delayed(inc, delayed(inc, &foreign)))).await;
    assert!(matches!(&error, Error::ForeignFuture { key } if *key == foreign.key()), "{error:?}");
    let error = on.error(&embedded.compute(delayed(inc, &one))).await;
    assert!(matches!(&error, Error::ForeignFuture { key } if *key == one.key()), "{error:?}");
}

async fn what_is_persisted_is_run_once<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let gate = Gate::new();
    let loaded = delayed(mark, (gate.name.clone(), 20));
    let kept = client.persist([&loaded, &delayed(inc, &loaded)]);
    let sums = client.compute((delayed(add, (&kept[0], &kept[1])), delayed(total, &kept)));
    assert_eq!(on.get(client.gather(sums)).await.unwrap(), (41, 41));
    assert_eq!(gate.entered(), 1);
    on.until_look("len(s.tasks)", "2").await;
    drop((kept, loaded));
    on.until_look("len(s.tasks)", "0").await;
}

async fn python_functions_are_nodes<R: AnyOf>(mut on: Ground<R>) {
    on.cluster.python_worker("py");
    let worker = on.worker("a", 1).await;
    let client = on.client().await;
    let five = client.submit(inc, 4);
    let two = delayed(inc, 1);
    let seven = delayed(python::<i64>("operator:add"), (&two, &five));
    let text = delayed(python::<String>("builtins:str"), (vec![&seven, &two],));
    let hex =
        delayed(python::<i64>("builtins:int").kwarg("base", 16), delayed(python::<String>("builtins:str"), &seven));
    let both = client.compute((delayed(total, vec![&seven, &hex]), &text));
    assert_eq!(on.get(client.gather(both)).await.unwrap(), (14, "[7, 2]".to_owned()));
    // Where there is none, and where lazy calls have no place.
    let embedded = embedded(&on).await;
    let error = on.error(&embedded.compute(delayed(inc, &seven))).await;
    assert!(matches!(error, Error::NeedsDask { .. }), "{error:?}");
    let error = on.error(&client.submit(python::<i64>("operator:neg"), &two)).await;
    says(&error, &["a lazy call stands in it", "compute that and give the future"]);
    drop((five, two, seven, hex, client));
    on.get(worker.stop()).await.unwrap();
    on.cluster.stop("py");
}

async fn a_failure_is_that_of_what_was_computed<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let failed = delayed(div, (1, delayed(inc, -1)));
    let (sum, fine) = client.compute((delayed(add, (delayed(double, &failed), 1)), delayed(inc, 1)));
    let error = on.error(&sum).await;
    assert!(matches!(&error, Error::Failed { key, .. } if *key == sum.key()), "{error:?}");
    says(&error, &["division by zero"]);
    assert_eq!(on.value(&fine).await.unwrap(), 2);
    let panicked = client.persist(delayed(boom, 3));
    let error = on.error(&client.compute(delayed(inc, &panicked))).await;
    assert!(error.to_string().contains("boom-"), "{error:?}");
    says(&error, &["boom of 3"]);
}

async fn closures_are_refused<R: AnyOf>(on: Ground<R>) {
    let _a = on.worker("a", 1).await;
    let client = on.client().await;
    let one = delayed(|| 1_i64, ());
    let (refused, dependent, fine) = client.compute((&one, delayed(inc, delayed(inc, &one)), delayed(inc, 1)));
    for error in [on.error(&refused).await, on.error(&dependent).await] {
        assert!(matches!(error, Error::NotPortable { .. }), "{error:?}");
        says(&error, &["make it a `#[task]` function"]);
    }
    assert_eq!(on.value(&fine).await.unwrap(), 2);
    let kept: Delayed<i64> = client.persist(&one);
    let error = on.error(&client.compute(delayed(inc, &kept))).await;
    assert!(matches!(error, Error::NotPortable { .. }), "{error:?}");
}

async fn options_of_a_client_are_those_of_its_graphs<R: AnyOf>(on: Ground<R>) {
    let _a = on.worker("a", 1).await;
    let _b = on.get(on.worker_as("b").threads(1).resources([("gpu", 1.0)]).start()).await.unwrap();
    let client = on.client().await;
    let lazy = delayed(inc, delayed(inc, 1));
    let kept: Vec<TaskFuture<i64>> = vec![
        client.with(Options::new().workers(["b"]).priority(-3).retries(2)).compute(&lazy),
        client.with(Options::new().resources([("gpu", 1.0)])).compute(&lazy),
    ];
    for future in &kept {
        assert_eq!(on.value(future).await.unwrap(), 3);
        assert_eq!(on.holders(future), r#"["b"]"#);
    }
    let told = format!("[s.tasks[{0:?}].retries, s.tasks[{0:?}].priority[0]]", kept[0].key().as_str());
    assert_eq!(on.look(&told), "[2, 3]");
    let error = on.error(&client.with(Options::new().timeout(crate::ground::LIMIT)).compute(&lazy)).await;
    says(&error, &["leave out `timeout`"]);
}
