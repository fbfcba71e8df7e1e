//! Whole ways: a submission, its bytes, the call where they arrive, and the result.

use std::num::ParseIntError;
use std::rc::Rc;
use std::sync::Arc;

use anydask_macros::task;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::engine::dask::call::{CallRefused, MadeCall, TaskCall, registered_tasks};
use crate::task::portable::{Argument, CallError, ErasedCall, Export, ExportedCall, PyValue, codec_of};
use crate::task::{Arguments, EachItem, Folded, IntoArgs, TaskFn};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Page {
    url: String,
    links: Vec<String>,
}

#[derive(Clone, Debug)]
struct WithoutSerde;

#[task]
fn concatenate(page: Arc<Page>, numbers: Vec<f64>, names: Vec<Arc<String>>, last: Option<i64>) -> Page {
    let names = names.iter().map(|name| name.to_string());
    Page { url: format!("{}{numbers:?}{last:?}", page.url), links: names.collect() }
}

#[task]
fn parse(text: String) -> Result<i64, ParseIntError> {
    text.parse()
}

#[task]
async fn length(text: String) -> Result<usize, &'static str> {
    if text.is_empty() { Err("it is empty") } else { Ok(text.len()) }
}

/// Of the same name as one of the traits that look for codecs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Shared(i64);

#[task]
fn of_any_name(Shared(x): Shared) -> Shared {
    Shared(x + 1)
}

#[task]
fn nothing() {}

#[task]
fn shared_result(x: i64) -> Arc<i64> {
    Arc::new(x)
}

#[task]
fn takes_what_has_no_serde(_: i64, _: WithoutSerde) -> i64 {
    1
}

#[task]
fn gives_what_has_no_serde() -> WithoutSerde {
    WithoutSerde
}

#[task]
fn borrows(text: &'static str, _: Vec<&'static str>, _: (&'static str, i64)) -> &'static str {
    text
}

// It cannot be submitted, but it can be written.
#[task]
#[allow(dead_code)]
fn takes_what_cannot_be_sent(_: Rc<i64>) {}

/// As an engine does.
fn export<F: TaskFn<Args>, A: IntoArgs<Args>, Args>(function: F, arguments: A) -> Result<Export<F::Output>, Error> {
    let arguments = arguments.into_args();
    function.export(&|part| arguments.parts(part))
}

/// As a worker does, with what goes over the wire.
fn call_there(export: &ExportedCall, inputs: &[PyValue]) -> Result<ErasedCall, CallRefused> {
    let ExportedCall::Rust { task, arguments, .. } = export else { panic!("{export:?}") };
    let bytes = TaskCall::Call(arguments.clone()).to_bytes();
    match TaskCall::of_bytes(&bytes)?.make(registered_tasks()[task], inputs)? {
        MadeCall::Called(call) => Ok(call),
        MadeCall::Value(value) => panic!("{value:?}"),
    }
}

fn result_of(call: ErasedCall) -> Result<PyValue, String> {
    let result = match call {
        ErasedCall::Returned(result) => result,
        ErasedCall::Future(mut future) => {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            match future.as_mut().poll(&mut context) {
                std::task::Poll::Ready(result) => result,
                std::task::Poll::Pending => panic!("it waits for nothing"),
            }
        }
    };
    result.map_err(|error| error.to_string())
}

#[test]
fn a_call_of_plain_values_is_made_elsewhere_and_its_result_comes_back() {
    let page = Page { url: "u".to_owned(), links: Vec::new() };
    let names = vec![Arc::new("a".to_owned())];
    let export = export(concatenate, (Arc::new(page), vec![0.5], names, Some(3))).unwrap();
    assert!(export.inputs.is_empty());
    let result = result_of(call_there(&export.call, &[]).unwrap()).unwrap();
    let expected = Page { url: "u[0.5]Some(3)".to_owned(), links: vec!["a".to_owned()] };
    assert_eq!((export.decode)(&result).unwrap(), expected);
}

#[test]
fn an_err_of_a_task_is_its_failure_elsewhere() {
    let export = export(parse, "x".to_owned()).unwrap();
    let error = result_of(call_there(&export.call, &[]).unwrap()).unwrap_err();
    assert!(error.contains("invalid digit"), "{error}");
}

#[test]
fn an_asynchronous_task_gives_a_future_elsewhere() {
    assert!(registered_tasks()["anydask::task::portable::tests::length"].travelling.is_asynchronous);
    let called = export(length, "four".to_owned()).unwrap();
    let result = result_of(call_there(&called.call, &[]).unwrap()).unwrap();
    assert_eq!((called.decode)(&result).unwrap(), 4);
    let failing = export(length, String::new()).unwrap();
    assert_eq!(result_of(call_there(&failing.call, &[]).unwrap()).unwrap_err(), "it is empty");
}

#[test]
fn a_call_without_arguments_and_a_result_that_is_shared_travel() {
    let named = export(of_any_name, Shared(1)).unwrap();
    assert_eq!((named.decode)(&result_of(call_there(&named.call, &[]).unwrap()).unwrap()).unwrap(), Shared(2));
    let none = export(nothing, ()).unwrap();
    (none.decode)(&result_of(call_there(&none.call, &[]).unwrap()).unwrap()).unwrap();
    let shared = export(shared_result, 7).unwrap();
    let result = result_of(call_there(&shared.call, &[]).unwrap()).unwrap();
    assert_eq!((shared.decode)(&result).unwrap(), Arc::new(7));
    // Who takes it does not share it.
    assert_eq!(result.decode::<i64>().unwrap(), 7);
}

#[test]
fn what_no_other_process_knows_says_how_it_could_be() {
    let refused = |error: Error| match error {
        Error::NotPortable { task, fix } => (task.to_string(), fix.to_string()),
        error => panic!("{error:?}"),
    };
    let (task, fix) = refused(export(|x: i64| x, 1).unwrap_err());
    assert!(task.contains("closure") && fix.contains("#[task]"), "{task}: {fix}");
    let (_, fix) = refused(export(crate::fallible(|x: i64| Ok::<_, ParseIntError>(x)), 1).unwrap_err());
    assert!(fix.contains("#[task]"), "{fix}");
    let (task, fix) = refused(export(takes_what_has_no_serde, (1, WithoutSerde)).unwrap_err());
    assert!(task.ends_with("::takes_what_has_no_serde"), "{task}");
    assert!(fix.contains("WithoutSerde") && fix.contains("argument 2") && fix.contains("derive"), "{fix}");
    let (_, fix) = refused(export(gives_what_has_no_serde, ()).unwrap_err());
    assert!(fix.contains("WithoutSerde") && fix.contains("its result"), "{fix}");
    let (_, fix) = refused(export(borrows, ("a", vec!["b"], ("c", 1))).unwrap_err());
    assert!(fix.contains("&str") && fix.contains("argument 1"), "{fix}");
    // They are functions all the same.
    assert_eq!((takes_what_has_no_serde(1, WithoutSerde), borrows("a", Vec::new(), ("b", 1))), (1, "a"));
}

#[test]
fn what_arrives_for_a_task_and_is_none_of_its_arguments_is_refused_with_words() {
    let tasks = registered_tasks();
    let task = tasks["anydask::task::portable::tests::parse"];
    let make = |arguments: Vec<Argument>, inputs: &[PyValue]| {
        TaskCall::Call(arguments).make(task, inputs).unwrap_err().to_string()
    };
    assert!(make(vec![], &[]).starts_with("0 arguments arrived and the task takes 1"));
    let text = make(vec![Argument::Input(0)], &[PyValue::Int(1)]);
    assert_eq!(text, "argument 1 does not give a `alloc::string::String`: expected a text, Python gave the integer 1");
    assert_eq!(make(vec![Argument::Input(1)], &[PyValue::None]), "the call takes input 1, and the task has 1");
    let text = make(vec![Argument::Inputs(vec![0])], &[PyValue::None]);
    assert!(text.contains("Python gave several results"), "{text}");
    let text = make(vec![Argument::Value(vec![200, 1].into())], &[]);
    assert!(text.contains("expected the bytes of alloc::string::String"), "{text}");
    let refused = TaskCall::Call(vec![]).make(tasks["anydask::task::portable::tests::gives_what_has_no_serde"], &[]);
    assert!(matches!(refused, Err(CallRefused::Task(CallError::WithoutSerde { argument: None, .. }))));
}

#[test]
fn a_result_becomes_a_plain_object_where_python_wants_it() {
    let page = Page { url: "u".to_owned(), links: vec!["v".to_owned()] };
    let (codec, _) = codec_of::<Page>().unwrap();
    let result = codec.encode_result(&page).unwrap();
    let task = registered_tasks()["anydask::task::portable::tests::concatenate"];
    let bytes = TaskCall::ToPython { parameter: None }.to_bytes();
    let MadeCall::Value(value) = TaskCall::of_bytes(&bytes).unwrap().make(task, &[result]).unwrap() else { panic!() };
    assert_eq!(format!("{value:?}"), r#"{"url": "u", "links": ["v"]}"#);
    assert_eq!(value.decode::<Page>().unwrap(), page);
}

#[test]
fn a_type_is_known_if_everybody_uses_it_or_a_task_does() {
    assert!(codec_of::<i64>().is_some() && codec_of::<Vec<String>>().is_some() && codec_of::<Arc<Page>>().is_some());
    assert!(codec_of::<WithoutSerde>().is_none() && codec_of::<Rc<i64>>().is_none());
}

#[cfg(feature = "smol")]
mod with_futures {
    use std::collections::BTreeMap;

    use super::*;
    use crate::Client;
    use crate::runtime::Smol;
    use crate::task::python;

    fn places(call: &ExportedCall) -> Vec<Argument> {
        let ExportedCall::Rust { arguments, .. } = call else { panic!("{call:?}") };
        arguments.clone()
    }

    #[test]
    fn futures_become_places_in_the_list_of_inputs_and_each_input_is_there_once() {
        let client = Client::<Smol>::local().wait().unwrap();
        let page = client.submit(|| Page { url: "u".to_owned(), links: Vec::new() }, ());
        let (one, two) = (client.submit(|| 1.0, ()), client.submit(|| 2.0, ()));
        let (name, last) = (client.submit(|| "a".to_owned(), ()), client.submit(|| Some(5), ()));
        let arguments = (&page, vec![&one, &two, &one], vec![name.clone(), name.clone()], &last);
        let export = export(concatenate, arguments).unwrap();
        let keys: Vec<_> = export.inputs.iter().map(|input| input.key()).collect();
        assert_eq!(keys, [page.key(), one.key(), two.key(), name.key(), last.key()]);
        use Argument::{Input, Inputs};
        assert_eq!(places(&export.call), [Input(0), Inputs(vec![1, 2, 1]), Inputs(vec![3, 3]), Input(4)]);

        // As other tasks give them: two in Rust, two in Python.
        let inputs = [
            PyValue::of(&page.wait().unwrap()).unwrap(),
            codec_of::<f64>().unwrap().0.encode_result(&1.0).unwrap(),
            PyValue::Int(2),
            PyValue::Str("a".into()),
            codec_of::<Option<i64>>().unwrap().0.encode_result(&Some(5)).unwrap(),
        ];
        let result = result_of(call_there(&export.call, &inputs).unwrap()).unwrap();
        let page = (export.decode)(&result).unwrap();
        assert_eq!(page, Page { url: "u[1.0, 2.0, 1.0]Some(5)".to_owned(), links: vec!["a".to_owned(); 2] });
    }

    #[test]
    fn a_vector_of_one_future_or_of_none_is_a_vector() {
        #[task]
        fn sum(all: Vec<i64>) -> i64 {
            all.iter().sum()
        }

        let client = Client::<Smol>::local().wait().unwrap();
        let one = client.submit(|| 1_i64, ());
        let all = client.submit(|| vec![1_i64], ());
        assert_eq!(places(&export(sum, vec![&one]).unwrap().call), [Argument::Inputs(vec![0])]);
        assert_eq!(places(&export(sum, &all).unwrap().call), [Argument::Input(0)]);
        let none: [crate::TaskFuture<i64>; 0] = [];
        assert_eq!(places(&export(sum, none).unwrap().call), [Argument::Inputs(vec![])]);
        assert!(matches!(places(&export(sum, vec![1]).unwrap().call)[..], [Argument::Value(_)]));
    }

    #[test]
    fn a_python_function_takes_futures_wherever_they_stand() {
        let client = Client::<Smol>::local().wait().unwrap();
        let (a, b) = (client.submit(|| 1_i64, ()), client.submit(|| "b".to_owned(), ()));
        let map = BTreeMap::from([("k", (&b, 1))]);
        let function = python::<Vec<i64>>("m.n:f.g").kwarg("x", &b).kwarg("base", 2).kwarg("x", vec![&a, &a]);
        let export = export(function, (&a, vec![Some(b.clone()), None], &map, 5)).unwrap();
        let keys: Vec<_> = export.inputs.iter().map(|input| input.key()).collect();
        assert_eq!(keys, [a.key(), b.key()]);
        let ExportedCall::Python { function, arguments, keywords } = &export.call else { panic!() };
        assert_eq!(&**function, "m.n:f.g");
        assert_eq!(format!("{arguments:?}"), r#"[<input 0>, [<input 1>, None], {"k": tuple[<input 1>, 1]}, 5]"#);
        assert_eq!(format!("{keywords:?}"), r#"[("base", 2), ("x", [<input 0>, <input 0>])]"#);
        assert_eq!((export.decode)(&PyValue::Tuple(vec![PyValue::Int(1)])).unwrap(), [1]);
    }

    #[test]
    fn arguments_of_a_python_function_keep_their_futures() {
        let client = Client::<Smol>::local().wait().unwrap();
        let a = client.submit(|| 1_i64, ());
        let arguments = IntoArgs::<crate::PyArgs>::into_args((&a, 1));
        let again = Arguments::again(&arguments).unwrap();
        let mut inputs = Vec::new();
        again.visit(&mut |input| inputs.push(input.entry().key()));
        assert_eq!(inputs, [a.key()]);
        a.wait().unwrap();
        drop((a, arguments));
        let mut is_there = false;
        again.visit(&mut |input| is_there = matches!(input.entry().outcome(), Some(Ok(()))));
        assert!(is_there, "its last handle is in the arguments");
    }

    #[test]
    fn a_python_call_that_cannot_go_out_says_why() {
        #[derive(Serialize)]
        struct Deep(Option<Box<Deep>>);

        let error = export(python::<i64>("operator.add"), 1).unwrap_err();
        assert!(matches!(&error, Error::NotPortable { fix, .. } if fix.contains("module:qualname")), "{error}");
        for name in ["", ":", "a:", ":b", "a:b:c", "a b:c", "a:b()", "a..b:c", "1a:b"] {
            assert!(export(python::<i64>(name), 1).is_err(), "{name}");
        }
        let deep = (0..200).fold(Deep(None), |deep, _| Deep(Some(Box::new(deep))));
        let error = export(python::<i64>("m:f"), &deep).unwrap_err();
        assert!(matches!(error, Error::NotEncoded { .. }), "{error}");
        assert!(error.chain().contains("nested deeper"), "{}", error.chain());
        let error = export(python::<i64>("m:f").kwarg("x", u128::MAX), ()).unwrap_err();
        assert!(error.to_string().contains("keyword argument `x` of `m:f`"), "{error}");
    }

    #[test]
    fn an_embedded_engine_refuses_a_python_function_at_once() {
        let client = Client::<Smol>::local().wait().unwrap();
        let never = client.submit(crate::asynchronous(std::future::pending::<i64>), ());
        let future = client.submit(python::<i64>("operator:add"), (&never, 1));
        assert!(future.is_done(), "it does not wait for its input");
        let error = future.wait().unwrap_err();
        assert!(matches!(&error, Error::NeedsDask { function } if &**function == "operator:add"), "{error:?}");
        assert!(error.to_string().contains("Client::connect"), "{error}");
        let many = client.map(python::<i64>("builtins:abs"), [1, 2]);
        assert!(many.iter().all(|future| matches!(future.wait(), Err(Error::NeedsDask { .. }))));
        let options = client.task(python::<i64>("builtins:abs"), 1).retries(2).key("abs").submit();
        assert!(matches!(options.wait(), Err(Error::NeedsDask { .. })));
    }

    #[test]
    fn a_future_is_written_by_nobody_else() {
        let client = Client::<Smol>::local().wait().unwrap();
        let a = client.submit(|| 1_i64, ());
        let error = serde_json::to_string(&a).unwrap_err();
        assert!(error.to_string().contains("await it"), "{error}");
        assert!(PyValue::of(&a).is_err(), "nor as a plain value");
    }

    #[test]
    fn tasks_run_on_an_embedded_engine_whether_or_not_they_can_travel() {
        let client = Client::<Smol>::local().wait().unwrap();
        assert_eq!(client.submit(takes_what_has_no_serde, (1, WithoutSerde)).wait().unwrap(), 1);
        assert_eq!(client.submit(borrows, ("a", vec!["b"], ("c", 1))).wait().unwrap(), "a");
        assert_eq!(client.submit(parse, "41".to_owned()).wait().unwrap(), 41);
        let many = client.map(parse, ["1", "2"].map(String::from));
        assert_eq!(client.gather(many).wait().unwrap(), [1, 2]);
    }
}

#[test]
fn a_task_of_one_argument_is_called_with_each_item_elsewhere() {
    for (task, is_asynchronous) in [("parse", false), ("length", true)] {
        let items = registered_tasks()[&*format!("anydask::task::portable::tests::{task}[]")];
        assert_eq!(items.travelling.is_asynchronous, is_asynchronous);
    }
    let parsed = export(EachItem(parse), vec!["1".to_owned(), "20".to_owned()]).unwrap();
    let result = result_of(call_there(&parsed.call, &[]).unwrap()).unwrap();
    assert_eq!((parsed.decode)(&result).unwrap(), [1, 20]);
    let lengths = export(EachItem(length), vec!["1".to_owned(), String::new()]).unwrap();
    assert_eq!(result_of(call_there(&lengths.call, &[]).unwrap()).unwrap_err(), "it is empty");
    assert!(!registered_tasks().contains_key("anydask::task::portable::tests::concatenate[]"));
    let refused = export(EachItem(|x: i64| x), vec![1]).unwrap_err();
    assert!(matches!(refused, Error::NotPortable { .. }), "{refused:?}");
}

#[task(name = "joined texts")]
fn append(text: String, more: Arc<String>) -> Result<String, &'static str> {
    if more.is_empty() { Err("it is empty") } else { Ok(text + &more) }
}

#[task]
async fn append_later(numbers: Vec<i64>, number: i64) -> Vec<i64> {
    [numbers, vec![number]].concat()
}

#[task]
fn repeat(text: String, count: usize) -> Vec<String> {
    vec![text; count]
}

#[test]
fn a_task_that_gives_what_its_first_argument_is_goes_from_item_to_item_elsewhere() {
    let texts = ["b", "c"].map(|text| Arc::new(text.to_owned())).to_vec();
    let appended = export(Folded(append), ("a".to_owned(), texts)).unwrap();
    let result = result_of(call_there(&appended.call, &[]).unwrap()).unwrap();
    assert_eq!((appended.decode)(&result).unwrap(), "abc");
    let failing = export(Folded(append), ("a".to_owned(), vec![Arc::new(String::new())])).unwrap();
    assert_eq!(result_of(call_there(&failing.call, &[]).unwrap()).unwrap_err(), "it is empty");

    let later = registered_tasks()["anydask::task::portable::tests::append_later[fold]"];
    assert!(later.travelling.is_asynchronous);
    let collected = export(Folded(append_later), (vec![1], vec![2, 3])).unwrap();
    let result = result_of(call_there(&collected.call, &[]).unwrap()).unwrap();
    assert_eq!((collected.decode)(&result).unwrap(), [1, 2, 3]);

    let refused = export(Folded(|a: i64, b: i64| a + b), (1, vec![1])).unwrap_err();
    assert!(matches!(refused, Error::NotPortable { .. }), "{refused:?}");
    // Nobody calls it like this but who has other code.
    let call = TaskCall::Call(vec![Argument::Value(vec![0].into()), Argument::Value(vec![0].into())]);
    let error = call.make(registered_tasks()["anydask::task::portable::tests::repeat[fold]"], &[]).unwrap_err();
    assert!(error.to_string().contains("which is not its first argument of two"), "{error}");
}
