//! What no peer should send, and what it costs.

use bytes::Bytes;

use crate::engine::dask::wire::pickle::Unpickled;
use crate::engine::dask::wire::tests::{file, frames_of};
use crate::engine::dask::wire::{
    Budget, Limited, Limits, Place, RemoteException, Serialized, Value, WireError, decode_message, msgpack,
};

fn small() -> Limits {
    Limits { depth_max: 20, items_max: 1000, pickle_nbytes_max: 100_000, ..Limits::default() }
}

fn read(bytes: &[u8]) -> Result<Value, WireError> {
    msgpack::read(&Bytes::copy_from_slice(bytes), &mut Budget::new(&small()))
}

fn unpickle(pickle: &[u8]) -> Result<Unpickled, WireError> {
    Unpickled::read(&Bytes::copy_from_slice(pickle), &small())
}

fn message(frames: &[&[u8]]) -> Result<Value, WireError> {
    decode_message(frames.iter().map(|frame| Bytes::copy_from_slice(frame)).collect(), &small())
}

fn limit(what: Limited, found: u64, limit: u64) -> WireError {
    WireError::Limit { what, found, limit }
}

#[test]
fn what_is_nested_too_deeply_is_refused() {
    // A list of a list of a list, and maps that are keys of maps.
    assert_eq!(read(&[0x91; 100_000]), Err(limit(Limited::Depth, 21, 20)));
    assert_eq!(read(&[0x81; 100_000]), Err(limit(Limited::Depth, 21, 20)));
    let nested = |depth| [vec![0x91; depth], vec![0xc0]].concat();
    assert!(read(&nested(20)).is_ok());
    assert!(read(&nested(21)).is_err());
    // At the default limit, a drop and a clone are within a thread's smallest usual stack.
    let deepest = nested(Limits::default().depth_max);
    let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(move || {
        let value = msgpack::read(&deepest.into(), &mut Budget::new(&Limits::default())).unwrap();
        drop(value.clone());
        assert_eq!(value, value.clone());
        let written = msgpack::write(&value).unwrap();
        assert_eq!(written.len(), Limits::default().depth_max + 1);
    });
    thread.unwrap().join().unwrap();
}

#[test]
fn huge_counts_are_refused_before_anything_is_reserved() {
    let truncated = |at, needed| Err(WireError::Truncated { place: Place::Msgpack, at, needed });
    let all = Limits { items_max: usize::MAX, ..Limits::default() };
    let huge = |bytes: &[u8]| msgpack::read(&Bytes::copy_from_slice(bytes), &mut Budget::new(&all));
    // Each would be some hundred gigabytes, and a reservation of as much would end the test.
    assert_eq!(huge(b"\xdd\xff\xff\xff\xff"), truncated(5, u64::from(u32::MAX)));
    assert_eq!(huge(b"\xdf\xff\xff\xff\xff"), truncated(5, 2 * u64::from(u32::MAX)));
    assert_eq!(huge(b"\xdb\xff\xff\xff\xffab"), truncated(7, u64::from(u32::MAX) - 2));
    assert_eq!(huge(b"\xc6\xff\xff\xff\xffab"), truncated(7, u64::from(u32::MAX) - 2));
    // Items that were promised twice are counted twice.
    assert_eq!(huge(&[0xdc, 0, 3, 0xdc, 0, 3, 0, 0, 0]), truncated(9, 2));
    assert_eq!(read(b"\xdd\xff\xff\xff\xff"), Err(limit(Limited::Items, u64::from(u32::MAX), 1000)));
}

#[test]
fn all_parts_of_a_message_share_the_limit_of_items() {
    // 60 headers of 20 items each.
    let header = [b"\xde\x00\x09\xaenum-sub-frames\x00".as_slice(), &b"\x01\x02".repeat(8)].concat();
    let references = |count: u8| -> Vec<u8> {
        let each = (0..count).flat_map(|index| [b"\x81\xae__Serialized__".as_slice(), &[index + 1]].concat());
        [0xdc, 0, count].into_iter().chain(each).collect()
    };
    let frames = |count| -> Vec<Vec<u8>> { [vec![references(count)], vec![header.clone(); count.into()]].concat() };
    let decode = |count| message(&frames(count).iter().map(Vec::as_slice).collect::<Vec<_>>());
    assert!(decode(40).is_ok());
    assert!(matches!(decode(60), Err(WireError::Limit { what: Limited::Items, .. })));
}

#[test]
fn frames_that_are_missing_or_named_twice_are_refused() {
    let one = b"\x81\xae__Serialized__\x01".as_slice();
    let twice = b"\x92\x81\xae__Serialized__\x01\x81\xae__Serialized__\x01".as_slice();
    let header = |count: u8| [b"\x81\xaenum-sub-frames".as_slice(), &[count]].concat();
    assert!(message(&[one, &header(2), b"a", b"b"]).is_ok());
    for frames in [&[one][..], &[one, &header(2), b"a"], &[one, &header(0x7f)], &[twice, &header(0)]] {
        assert!(matches!(message(frames), Err(WireError::Frames { .. })), "{frames:?}");
    }
    // Two that overlap.
    let overlapping = b"\x92\x81\xae__Serialized__\x01\x81\xae__Serialized__\x02".as_slice();
    assert!(matches!(message(&[overlapping, &header(1), &header(0)]), Err(WireError::Frames { .. })));
    // Frame 0 is the message itself: what names it is a map like others.
    assert!(message(&[b"\x81\xae__Serialized__\x00"]).is_ok());
    assert!(message(&[b"\x81\xae__Serialized__\xff"]).is_ok());
    let far = b"\x81\xae__Serialized__\xd3\x7f\xff\xff\xff\xff\xff\xff\xff".as_slice();
    assert!(matches!(message(&[far, &header(0)]), Err(WireError::Frames { .. })));
    let most = b"\x81\xaenum-sub-frames\xd3\x7f\xff\xff\xff\xff\xff\xff\xff".as_slice();
    assert!(matches!(message(&[one, most]), Err(WireError::Frames { .. })));
    // Headers that are none.
    for header in [b"\x80".as_slice(), b"\x90", b"\x81\xaenum-sub-frames\xff", b"\x81\xaenum-sub-frames\xa1x"] {
        assert!(matches!(message(&[one, header]), Err(WireError::Field { .. })), "{header:?}");
    }
    assert!(message(&[]).is_err());
}

#[test]
fn compression_is_refused_by_name() {
    let mut frames = frames_of(&file("036-sched-to-pyclient-reply-gather.bin")).unwrap();
    let name = b"compression".as_slice();
    let header = frames[1].windows(name.len()).position(|part| part == name).unwrap() + name.len();
    let mut compressed = frames[1].to_vec();
    assert_eq!(compressed.splice(header..header + 2, *b"\x91\xa3lz4").collect::<Vec<_>>(), [0x91, 0xc0]);
    frames[1] = compressed.into();
    let message = decode_message(frames, &Limits::default()).unwrap();
    let Some(Value::Serialized(datum)) = message.get("data").and_then(|data| data.get("val-bytes")) else { panic!() };
    let error = datum.data(&mut Budget::new(&Limits::default())).unwrap_err();
    assert_eq!(error, WireError::Compressed { method: "lz4".into() });
    assert_eq!(error.to_string(), "a frame is compressed with `lz4`, although no compression was agreed");
}

#[test]
fn shards_that_overlap_or_are_left_over_are_refused() {
    let read = |counts: &[i64], offsets: &[i64]| {
        let numbers = |numbers: &[i64]| Value::List(numbers.iter().map(|number| (*number).into()).collect());
        let mut serialized = Serialized::of_bytes(&Bytes::from_static(b"abcdef"));
        serialized.frames = vec!["ab".into(), "cd".into(), "ef".into()];
        let Value::Map(entries) = &mut *serialized.header else { panic!() };
        entries
            .retain(|(name, _)| !name.as_str().is_some_and(|name| name.starts_with("split") || name == "compression"));
        entries.push(("split-num-sub-frames".into(), numbers(counts)));
        entries.push(("split-offsets".into(), numbers(offsets)));
        serialized.data(&mut Budget::new(&Limits::default()))
    };
    let whole = Ok(crate::engine::dask::wire::Data::Bytes("abcdef".into()));
    assert_eq!(read(&[3], &[0]), whole);
    assert_eq!(read(&[1, 2], &[0, 1]), whole);
    assert_eq!(read(&[1, 0, 2], &[0, 1, 1]), whole);
    for (counts, offsets) in [
        (&[3, 3][..], &[0, 0][..]),
        (&[2], &[0]),
        (&[4], &[0]),
        (&[1, 2], &[0, 2]),
        (&[2], &[1]),
        (&[-1], &[0]),
        (&[i64::MAX], &[0]),
        (&[3], &[]),
    ] {
        assert!(matches!(read(counts, offsets), Err(WireError::Field { .. })), "{counts:?} {offsets:?}");
    }
}

#[test]
fn collections_that_promise_frames_that_are_not_there_are_refused() {
    let item = || Value::map([("serializer", "pickle".into()), ("key", "k".into())]);
    let read = |kind: &str, headers: Vec<Value>, lengths: &[i64]| {
        let header = Value::map([
            ("is-collection", true.into()),
            ("type-serialized", kind.into()),
            ("sub-headers", headers.into()),
            ("frame-lengths", Value::List(lengths.iter().map(|length| (*length).into()).collect())),
        ]);
        Serialized { header: Box::new(header), frames: vec!["N.".into(), "N.".into()] }.data(&mut Budget::new(&small()))
    };
    assert!(read("list", vec![item(), item()], &[1, 1]).is_ok());
    assert!(read("dict", vec![item()], &[2]).is_ok());
    for (kind, headers, lengths) in [
        ("list", vec![item(), item()], &[2, 2][..]),
        ("list", vec![item()], &[1]),
        ("list", vec![item(), item()], &[2, 0]),
        ("list", vec![item(), item()], &[2]),
        ("list", vec![item()], &[i64::MAX]),
        ("frozenset", vec![item()], &[2]),
        ("dict", vec![Value::map([("serializer", "pickle".into())])], &[2]),
        ("list", vec![Value::Int(1)], &[2]),
    ] {
        assert!(read(kind, headers.clone(), lengths).is_err(), "{kind} {headers:?} {lengths:?}");
    }
    // Collections in collections, deeper than a value of a message could be.
    let mut nested = item();
    for _ in 0..30 {
        nested = Value::map([
            ("is-collection", true.into()),
            ("type-serialized", "list".into()),
            ("sub-headers", vec![nested].into()),
            ("frame-lengths", vec![Value::Int(1)].into()),
        ]);
    }
    let nested = Serialized { header: Box::new(nested), frames: vec!["N.".into()] };
    assert_eq!(nested.data(&mut Budget::new(&small())), Err(limit(Limited::Depth, 21, 20)));
    assert!(nested.data(&mut Budget::new(&Limits::default())).is_ok());
}

#[test]
fn a_pickle_that_doubles_itself_is_small_and_its_value_is_refused() {
    // t = (); t = (t, t); and so on: 2^40 empty tuples.
    let mut pickle = b"\x80\x04)".to_vec();
    for _ in 0..40 {
        pickle.extend_from_slice(b"2\x86");
    }
    pickle.push(b'.');
    let unpickled = unpickle(&pickle).unwrap();
    assert_eq!(unpickled.len(), 41);
    let error = unpickled.root().to_value(&[], &Limits { depth_max: 100, ..small() }).unwrap_err();
    assert!(matches!(error, WireError::Limit { what: Limited::Items, limit: 1000, .. }), "{error}");
    assert!(format!("{unpickled:?}").len() < 5000);
}

#[test]
fn a_long_name_that_all_frames_of_a_traceback_share_is_told_once_in_part() {
    let name = "f".repeat(100_000);
    // A code with the name twice, a frame with that code, and a thousand tracebacks with that frame, each the next of another.
    let text =
        |text: &str| [b"X".as_slice(), &u32::try_from(text.len()).unwrap().to_le_bytes(), text.as_bytes()].concat();
    let object = |state: Vec<u8>| [b"ca\nb\n)R}".as_slice(), &state, b"b"].concat();
    let code = [text("co_filename"), text(&name), b"q\x02s".to_vec(), text("co_name"), b"h\x02s".to_vec()].concat();
    let frame = object([text("f_code"), object(code), b"s".to_vec()].concat());
    let tracebacks = b"ca\nb\nh\x00K\x01h\x01\x87Rq\x010".repeat(1000);
    let traceback = [b"\x80\x04".as_slice(), &frame, b"q\x000Nq\x010", &tracebacks, b"h\x01."].concat();
    let exception = b"\x80\x04cbuiltins\nValueError\n\x8c\x02no\x85R.".to_vec();
    let limits = Limits::default();
    let exception = RemoteException::read(&Value::Bin(exception.into()), &Value::Bin(traceback.into()), &limits);
    assert_eq!((exception.class.as_str(), exception.message.as_str()), ("ValueError", "no"));
    let text = exception.traceback_text;
    assert!(text.contains("in ffff") && text.ends_with("  ...\n"), "{}", text.len());
    assert!(text.len() < 2 << 20, "{}", text.len());
}

#[test]
fn a_pickle_that_contains_itself_is_read_and_its_value_is_refused() {
    // l = []; l.append(l).
    let unpickled = unpickle(b"\x80\x04]\x94h\0a.").unwrap();
    assert_eq!(unpickled.root().to_value(&[], &small()), Err(limit(Limited::Depth, 21, 20)));
    assert!(format!("{unpickled:?}").ends_with("...]]]]]]]]]]]]]]]]"), "{unpickled:?}");
    drop(unpickled.clone());
}

#[test]
fn a_deep_pickle_drops_without_recursion() {
    let pickle = [b"\x80\x04)".to_vec(), vec![0x85; 90_000], b".".to_vec()].concat();
    let limits = Limits { items_max: 1 << 20, ..small() };
    let unpickled = Unpickled::read(&pickle.clone().into(), &limits).unwrap();
    assert_eq!(unpickled.len(), 90_001);
    assert_eq!(unpickled.root().to_value(&[], &limits), Err(limit(Limited::Depth, 21, 20)));
    assert_eq!(unpickle(&pickle).unwrap_err(), limit(Limited::Items, 1001, 1000));
    let long = vec![b'N'; 100_001];
    assert_eq!(unpickle(&long).unwrap_err(), limit(Limited::PickleBytes, 100_001, 100_000));
}

#[test]
fn instructions_that_ask_for_what_is_not_there_are_refused() {
    let problem = |pickle: &[u8]| match unpickle(pickle) {
        Err(WireError::Pickle { problem, .. }) => problem,
        other => panic!("{pickle:?}: {other:?}"),
    };
    for pickle in
        [&b"."[..], b"0.", b"2.", b"\x94.", b"\x85.", b"N\x86.", b"(\x85.", b"N(\x85.", b"R.", b"NR.", b"b.", b"N(."]
    {
        assert_eq!(problem(pickle), "the stack is empty", "{pickle:?}");
    }
    for pickle in [&b"t."[..], b"1.", b"Ne.", b"u.", b"]\x90."] {
        assert_eq!(problem(pickle), "there is no mark", "{pickle:?}");
    }
    for pickle in [&b"h\0."[..], b"Nq\x03h\0.", b"j\xff\xff\xff\xff.", b"Nr\xff\xff\xff\xff."] {
        assert_eq!(problem(pickle), "the memo has no such place", "{pickle:?}");
    }
    assert_eq!(problem(b"}(Nu."), "a key without a value");
    assert_eq!(problem(b"NNa."), "items for what is no list and no set");
    assert_eq!(problem(b"NNNs."), "entries for what is no dictionary");
    assert_eq!(problem(b"NNb."), "a state for what was not made by a call");
    assert_eq!(problem(b"NN\x93."), "the name of a global is no text");
    // Extensions, persistent objects, and the text of protocol 0.
    for instruction in [0x82, b'Q', b'P', b'I', b'S', b'i', b'o', 0x01, 0xff] {
        let error = unpickle(&[b'N', instruction, b'.']).unwrap_err();
        assert_eq!(error, WireError::Opcode { at: 1, found: instruction });
    }
    assert!(matches!(unpickle(b"N.N"), Err(WireError::Trailing { at: 2, nbytes: 1, .. })));
    assert!(matches!(unpickle(b"N"), Err(WireError::Truncated { .. })));
    assert!(matches!(unpickle(b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffab."), Err(WireError::Truncated { .. })));
    assert!(matches!(unpickle(b"\x8c\x01\xff."), Err(WireError::Utf8 { .. })));
    assert!(matches!(unpickle(b"cos"), Err(WireError::Truncated { .. })));
    // A mark counts as an object for POP, as in Python.
    assert!(unpickle(b"N(0.").is_ok());
}

#[test]
fn markers_that_dask_does_not_send_are_refused_where_they_are() {
    for marker in [0xc1, 0xc7, 0xc8, 0xc9, 0xd4, 0xd8] {
        assert_eq!(read(&[0x92, 0xc0, marker, 0, 0]), Err(WireError::Marker { at: 2, found: marker }));
    }
    assert_eq!(read(&[0xa1, 0xff]), Err(WireError::Utf8 { place: Place::Msgpack, at: 1 }));
    assert_eq!(read(&[0xc0, 0xc0]), Err(WireError::Trailing { place: Place::Msgpack, at: 1, nbytes: 1 }));
    assert_eq!(read(&[]), Err(WireError::Truncated { place: Place::Msgpack, at: 0, needed: 1 }));
    let error = read(&[0xc1]).unwrap_err().to_string();
    assert_eq!(error, "byte 0xc1 at 0 starts no value of msgpack that Dask sends");
}
