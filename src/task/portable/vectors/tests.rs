//! Operations on vectors as a worker makes them, also of bytes that are none.

use std::sync::Arc;

use anydask_macros::task;
use bytes::Bytes;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::engine::dask::call::{CallRefused, MadeCall, TaskCall, registered_tasks};
use crate::task::Part;
use crate::task::portable::vectors::call::NAME;
use crate::task::portable::vectors::{VectorCall, export_concat, known, read_groups, read_pairs};
use crate::task::portable::{Argument, ErasedCall, ExportedCall, PyValue, TypeOf};

/// A word that is equal to one of other letters.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Word(String);

impl Word {
    fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        self.folded() == other.folded()
    }
}

impl Eq for Word {}

impl std::hash::Hash for Word {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.folded().hash(state);
    }
}

#[task]
fn as_word(text: String) -> Word {
    Word(text)
}

#[task]
fn halves(x: f64) -> Vec<f64> {
    vec![x / 2.0; 2]
}

#[task]
fn no_key(_: f64) {}

use Argument::{Input, Inputs};

/// As a worker does, with what goes over the wire.
fn make(call: VectorCall<'_>, arguments: Vec<Argument>, inputs: &[PyValue]) -> Result<PyValue, CallRefused> {
    let call = Argument::Value(postcard::to_stdvec(&call).unwrap().into());
    make_of(call, arguments, inputs)
}

fn make_of(call: Argument, arguments: Vec<Argument>, inputs: &[PyValue]) -> Result<PyValue, CallRefused> {
    let bytes = TaskCall::Call([vec![call], arguments].concat()).to_bytes();
    match TaskCall::of_bytes(&bytes)?.make(registered_tasks()[NAME], inputs)? {
        MadeCall::Called(ErasedCall::Returned(Ok(value))) => Ok(value),
        made => panic!("{made:?}"),
    }
}

fn texts(texts: &[&str]) -> PyValue {
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    known::<String>("").unwrap().0.encode_result(&texts).unwrap()
}

fn words(words: &[&str]) -> PyValue {
    let words: Vec<Word> = words.iter().map(|text| Word((*text).to_owned())).collect();
    known::<Word>("").unwrap().0.encode_result(&words).unwrap()
}

fn list(texts: &[&str]) -> PyValue {
    PyValue::List(texts.iter().map(|text| PyValue::Str((*text).into())).collect())
}

#[test]
fn vectors_are_counted_cut_and_put_together_whoever_made_them() {
    let of = known::<String>("").unwrap().1.into();
    let both = [texts(&["a", "b"]), list(&["c"])];
    let all = make(VectorCall::Concat { of: Some(of) }, vec![Inputs(vec![1, 0])], &both).unwrap();
    assert_eq!(all, texts(&["c", "a", "b"]));
    assert_eq!(make(VectorCall::Concat { of: None }, vec![Inputs(vec![])], &[]).unwrap(), texts(&[]));
    // A type that only the client knows does not matter where no items of Python are read.
    let unknown = Some(TypeOf { task: "of_the_client_alone", parameter: None }.into());
    assert_eq!(make(VectorCall::Concat { of: unknown }, vec![Inputs(vec![0])], &both[..1]).unwrap(), both[0]);
    assert!(make(VectorCall::Concat { of: unknown }, vec![Inputs(vec![1])], &both).is_err());
    let given = Bytes::copy_from_slice(both[0].postcard().unwrap());
    let given = make(VectorCall::Concat { of: None }, vec![Argument::Value(given)], &[]).unwrap();
    assert_eq!(given, both[0]);
    for (count, input) in [(2, 0), (1, 1)] {
        let counted = make(VectorCall::Count, vec![Input(input)], &both).unwrap();
        assert_eq!(counted.decode::<usize>().unwrap(), count);
    }
    for (count, expected) in [(0, &[][..]), (1, &["a"]), (3, &["a", "b", "c"]), (usize::MAX, &["a", "b", "c"])] {
        assert_eq!(make(VectorCall::Take { of, count }, vec![Inputs(vec![0, 1])], &both).unwrap(), texts(expected));
    }
    let flags = PyValue::List(vec![PyValue::Bool(false), PyValue::Bool(true)]);
    let kept = make(VectorCall::Select { of }, vec![Input(0), Input(1)], &[both[0].clone(), flags]).unwrap();
    assert_eq!(kept, texts(&["b"]));

    let of = known::<Vec<f64>>("").unwrap().1.into();
    let vectors = known::<Vec<f64>>("").unwrap().0.encode_result(&vec![vec![1.0, 2.0], vec![], vec![3.0]]).unwrap();
    let flat = make(VectorCall::Flatten { of }, vec![Input(0)], &[vectors]).unwrap();
    assert_eq!(flat.decode::<Vec<f64>>().unwrap(), [1.0, 2.0, 3.0]);
}

#[test]
fn keys_are_equal_if_their_type_says_so() {
    let (items, keys) = (known::<String>("").unwrap().1.into(), known::<Word>("").unwrap().1.into());
    let inputs = [texts(&["1", "2", "3"]), words(&["a", "B", "A"]), list(&["4"]), words(&["b"])];
    let split = |places, item, key| {
        make(VectorCall::Split { items, keys, places }, vec![Input(item), Input(key)], &inputs).unwrap()
    };
    let (left, right) = (split(1, 0, 1), split(1, 2, 3));
    let both = [left, right];
    let grouped = make(VectorCall::Group { keys, place: 0 }, vec![Inputs(vec![0, 1])], &both).unwrap();
    let grouped = read_groups::<Word, String>(&grouped).unwrap();
    let written: Vec<_> = grouped.iter().map(|(key, items)| (&*key.0, items.join(""))).collect();
    assert_eq!(written, [("a", "13".to_owned()), ("B", "24".to_owned())]);

    let call = VectorCall::Join { keys, place: 0 };
    let joined = make(call.clone(), vec![Inputs(vec![0]), Inputs(vec![1])], &both).unwrap();
    let pair = |left: &str, right: &str| (left.to_owned(), right.to_owned());
    assert_eq!(read_pairs::<String, String>(&joined).unwrap(), [pair("2", "4")]);
    let joined = make(call, vec![Inputs(vec![0]), Inputs(vec![0])], &both).unwrap();
    let pairs = [pair("1", "1"), pair("1", "3"), pair("2", "2"), pair("3", "1"), pair("3", "3")];
    assert_eq!(read_pairs::<String, String>(&joined).unwrap(), pairs);

    // Each to its own place, and nothing comes twice.
    let spread = [split(5, 0, 1), split(5, 2, 3)];
    let groups = (0..5).map(|place| {
        let grouped = make(VectorCall::Group { keys, place }, vec![Inputs(vec![0, 1])], &spread).unwrap();
        read_groups::<Word, String>(&grouped).unwrap().len()
    });
    assert_eq!(groups.sum::<usize>(), 2);

    let counts = make(VectorCall::Counts { of: keys, places: 1 }, vec![Input(1)], &inputs).unwrap();
    let counts = [counts, make(VectorCall::Counts { of: keys, places: 1 }, vec![Input(3)], &inputs).unwrap()];
    let frequencies = VectorCall::Frequencies { of: keys, place: 0 };
    let frequencies = make(frequencies, vec![Inputs(vec![0, 1])], &counts).unwrap();
    let expected = [(Word("a".to_owned()), 2), (Word("b".to_owned()), 2)];
    assert_eq!(read_pairs::<Word, usize>(&frequencies).unwrap(), expected);
    let distinct = make(VectorCall::Distinct { of: keys, place: 0 }, vec![Inputs(vec![0, 1])], &counts).unwrap();
    assert_eq!(distinct, words(&["a", "B"]));
}

#[test]
fn keys_that_take_no_bytes_are_one_key_however_many_there_are() {
    let ((floats, items), (empty, keys)) = (known::<f64>("").unwrap(), known::<()>("").unwrap());
    let (items, keys) = (items.into(), keys.into());
    let inputs = [floats.encode_result(&vec![1.0; 40_000]).unwrap(), empty.encode_result(&vec![(); 40_000]).unwrap()];
    let split = VectorCall::Split { items, keys, places: 1 };
    let split = make(split, vec![Input(0), Input(1)], &inputs).unwrap();
    let grouped = make(VectorCall::Group { keys, place: 0 }, vec![Inputs(vec![0, 0])], &[split]).unwrap();
    let groups = read_groups::<(), f64>(&grouped).unwrap();
    assert_eq!((groups.len(), groups[0].1.len()), (1, 80_000));
}

#[test]
fn items_that_take_no_bytes_are_bounded_in_a_result_as_a_whole() {
    // Groups whose keys take no bytes, of 60,000 items each that take none either.
    let groups = |count: usize| marked(&postcard::to_stdvec(&vec![vec![(); 60_000]; count]).unwrap());
    assert_eq!(read_groups::<(), ()>(&groups(1)).unwrap().len(), 1);
    let error = read_groups::<(), ()>(&groups(2)).unwrap_err().to_string();
    assert!(error.contains("items that take no bytes"), "{error}");
}

#[test]
fn items_of_a_type_that_everybody_knows_need_no_task() {
    assert!(known::<char>("").is_err() && known::<f64>("").is_ok());
    let items = Arc::new(vec!['a', 'b']);
    let plain = |each: &mut dyn FnMut(Part<'_>)| {
        each(Part::Plain(&items));
        each(Part::End);
    };
    let export = export_concat::<char>("given", &plain, None).unwrap();
    let ExportedCall::Rust { task: NAME, arguments, .. } = export.call else { panic!("{export:?}") };
    let made = make_of(arguments[0].clone(), arguments[1..].to_vec(), &[]).unwrap();
    assert_eq!((export.decode)(&made).unwrap(), *items);
    assert!(export_concat::<std::rc::Rc<char>>("given", &|_| (), None).is_err());
}

#[test]
fn what_is_no_vector_is_refused_with_words() {
    let of = known::<String>("").unwrap().1.into();
    let floats = known::<Vec<f64>>("").unwrap().1.into();
    let refused = |call, arguments, inputs: &[PyValue]| make(call, arguments, inputs).unwrap_err().to_string();
    let concat = |of, input| refused(VectorCall::Concat { of }, vec![Inputs(vec![0])], &[input]);
    assert!(concat(None, list(&["a"])).contains("no registered task has the type"), "{}", concat(None, list(&["a"])));
    assert!(concat(Some(of), PyValue::List(vec![PyValue::Int(1)])).contains("Python gave the integer 1"));
    let select = refused(VectorCall::Select { of }, vec![Input(0), Input(1)], &[texts(&["a"]), PyValue::List(vec![])]);
    assert!(select.starts_with("0 values belong to 1 items"), "{select}");
    let split = VectorCall::Split { items: of, keys: floats, places: 1 };
    let split = refused(split, vec![Input(0), Input(0)], &[texts(&["a"])]);
    assert!(split.contains("halves"), "floats are no keys: {split}");
    for arguments in [vec![], vec![Input(0)], vec![Inputs(vec![0]), Inputs(vec![0])]] {
        let error = refused(VectorCall::Take { of, count: 1 }, arguments, &[texts(&["a"])]);
        assert!(error.contains("the bytes of the operation"), "{error}");
    }
    let bytes = postcard::to_stdvec(&VectorCall::Take { of, count: 1 }).unwrap();
    let task = known::<String>("").unwrap().1.task;
    let at = bytes.windows(task.len()).position(|window| window == task.as_bytes()).unwrap();
    let unknown = [&bytes[..at], &vec![b'x'; task.len()], &bytes[at + task.len()..]].concat();
    let error = make_of(Argument::Value(unknown.into()), vec![Inputs(vec![0])], &[texts(&["a"])]).unwrap_err();
    assert!(error.to_string().contains("known by the task `xxx"), "{error}");
    let task = registered_tasks()[NAME];
    let error = TaskCall::ToPython { parameter: None }.make(task, &[texts(&["a"])]).unwrap_err();
    assert!(error.to_string().contains("write a `#[task]`"), "{error}");
}

/// All operations, with the number of inputs that each takes in the first and in the second argument.
fn operations() -> Vec<(VectorCall<'static>, Vec<Argument>)> {
    let (of, keys) = (known::<String>("").unwrap().1.into(), known::<Word>("").unwrap().1.into());
    let vectors = known::<Vec<f64>>("").unwrap().1.into();
    let one = || vec![Input(0)];
    let two = || vec![Input(0), Input(1)];
    let several = || vec![Inputs(vec![0, 1])];
    vec![
        (VectorCall::Concat { of: Some(of) }, several()),
        (VectorCall::Count, one()),
        (VectorCall::Take { of, count: 1 }, several()),
        (VectorCall::Select { of }, two()),
        (VectorCall::Flatten { of: vectors }, one()),
        (VectorCall::Split { items: of, keys, places: 3 }, two()),
        (VectorCall::Counts { of: keys, places: 3 }, one()),
        (VectorCall::Group { keys, place: 0 }, several()),
        (VectorCall::Join { keys, place: 0 }, vec![Inputs(vec![0]), Inputs(vec![1])]),
        (VectorCall::Frequencies { of: keys, place: 0 }, several()),
        (VectorCall::Distinct { of: keys, place: 0 }, several()),
    ]
}

fn marked(bytes: &[u8]) -> PyValue {
    PyValue::Bytes([&crate::task::portable::python::MARK[..], bytes].concat().into())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_that_are_none_are_refused_and_harm_nobody(
        one in prop::collection::vec(any::<u8>(), 0..40),
        other in prop::collection::vec(0_u8..4, 0..40),
        call in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let inputs = [marked(&one), marked(&other)];
        for (operation, arguments) in operations() {
            let _ = make(operation, arguments.clone(), &inputs);
            let _ = make_of(Argument::Value(call.clone().into()), arguments, &inputs);
        }
        let _ = read_groups::<Word, String>(&inputs[0]);
        let _ = read_pairs::<(), ()>(&inputs[1]);
    }
}

#[test]
fn a_partition_that_was_split_and_came_to_harm_is_refused() {
    let (items, keys) = (known::<String>("").unwrap().1.into(), known::<Word>("").unwrap().1.into());
    let inputs = [texts(&["1", "2"]), words(&["a", "b"])];
    let split = make(VectorCall::Split { items, keys, places: 1 }, vec![Input(0), Input(1)], &inputs).unwrap();
    let whole = split.postcard().unwrap();
    let group = |bytes: &[u8]| make(VectorCall::Group { keys, place: 0 }, vec![Inputs(vec![0])], &[marked(bytes)]);
    assert!(group(whole).is_ok());
    for end in 0..whole.len() {
        assert!(group(&whole[..end]).is_err(), "{end} bytes of it");
    }
    for at in 0..whole.len() {
        for bits in 1..=u8::MAX {
            let mut harmed = whole.to_vec();
            harmed[at] ^= bits;
            let _ = group(&harmed);
        }
    }
    // Lengths that go beyond what is there, and do not fit a number together.
    let long = [1, 0, 14, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1, 0, 0, 0];
    assert!(group(&long).is_err());
}

#[test]
fn more_items_than_bytes_are_refused() {
    let many = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    assert!(read_pairs::<(), ()>(&marked(&many)).unwrap_err().to_string().contains("items that take no bytes"));
    let twice = make(VectorCall::Concat { of: None }, vec![Inputs(vec![0, 0])], &[marked(&many)]);
    assert!(twice.unwrap_err().to_string().contains("are none"));
}
