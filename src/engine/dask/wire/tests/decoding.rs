//! Bytes that arrive in pieces, as sockets hand them out.

use bytes::Bytes;
use proptest::prelude::*;

use crate::engine::dask::wire::tests::file;
use crate::engine::dask::wire::{Decoder, EncodedMessage, Limited, Limits, WireError};

/// The message that `frames` make, whose first part has only `first_frames` of them.
fn with_first_part(frames: &[Bytes], first_frames: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    EncodedMessage::new(frames.to_vec()).append_to(&mut bytes);
    let first: usize = frames.iter().take(first_frames).map(Bytes::len).sum();
    bytes[..8].copy_from_slice(&((8 + 8 * frames.len() + first) as u64).to_le_bytes());
    bytes
}

/// Feeds `bytes` in pieces of the sizes of `cuts`, over and over. Reads into place where the decoder lends some.
fn decode_in_pieces(bytes: &[u8], cuts: &[usize], reads_into_place: bool) -> Result<Vec<Vec<Bytes>>, WireError> {
    let mut decoder = Decoder::new(Limits::default());
    let mut messages = Vec::new();
    let mut rest = bytes;
    for cut in cuts.iter().cycle() {
        if rest.is_empty() {
            assert!(decoder.is_empty());
            return Ok(messages);
        }
        assert!(decoder.missing() > 0);
        if reads_into_place && let Some(space) = decoder.space() {
            let nbytes = space.len().min(*cut).min(rest.len());
            space[..nbytes].copy_from_slice(&rest[..nbytes]);
            rest = &rest[nbytes..];
            messages.extend(decoder.handle_filled(nbytes));
            continue;
        }
        let (mut piece, after) = rest.split_at((*cut).min(rest.len()));
        rest = after;
        while !piece.is_empty() {
            messages.extend(decoder.handle_bytes(&mut piece)?);
        }
    }
    Ok(messages)
}

#[test]
fn every_place_to_cut_a_message_gives_the_same_message() {
    let name = "265-get_data-reply-two-numpy-arrays-partial-prefix.bin";
    let bytes = file(name);
    let whole = decode_in_pieces(&bytes, &[bytes.len()], false).unwrap();
    assert_eq!(whole[0].iter().map(Bytes::len).collect::<Vec<_>>(), [40, 419, 12, 12]);
    for cut in 1..bytes.len() {
        assert_eq!(decode_in_pieces(&bytes, &[cut, bytes.len()], false).unwrap(), whole);
    }
}

#[test]
fn large_frames_are_read_into_their_place() {
    let frames: Vec<Bytes> = vec![vec![1; 100].into(), vec![2; 3 << 20].into(), Bytes::new(), vec![3; 40_000].into()];
    let bytes = with_first_part(&frames, 4);
    for cut in [1000, 65_536, 1 << 22] {
        assert_eq!(decode_in_pieces(&bytes, &[cut], true).unwrap(), std::slice::from_ref(&frames));
    }
    let mut decoder = Decoder::new(Limits::default());
    assert!(decoder.space().is_none(), "the head is small");
    let mut head = &bytes[..48 + 100 + 5];
    assert!(decoder.handle_bytes(&mut head).unwrap().is_none());
    assert_eq!(decoder.missing(), (3 << 20) - 5);
    let lent = decoder.space().expect("a large frame is next").len();
    assert!(lent >= 65_536);
    // A reader that has read nothing, and then reads elsewhere.
    assert!(decoder.handle_filled(0).is_none());
    assert!(decoder.space().is_some());
    let mut rest = &bytes[48 + 100 + 5..];
    assert_eq!(decoder.handle_bytes(&mut rest).unwrap(), Some(frames));
}

#[test]
fn more_filled_than_was_lent_counts_as_what_was_lent() {
    let bytes = with_first_part(&[vec![0; 1 << 20].into()], 1);
    let mut decoder = Decoder::new(Limits::default());
    assert!(decoder.handle_filled(5).is_none());
    decoder.handle_bytes(&mut &bytes[..30]).unwrap();
    let lent = decoder.space().unwrap().len();
    assert!(decoder.handle_filled(usize::MAX).is_none());
    assert_eq!(decoder.missing(), (1 << 20) - 6 - lent);
}

#[test]
fn who_announces_much_gets_little() {
    let limits = Limits { message_nbytes_max: u64::MAX, ..Limits::default() };
    let mut decoder = Decoder::new(limits);
    let announced = 1_u64 << 60;
    let head = [16 + announced, 1, announced].map(u64::to_le_bytes).concat();
    assert_eq!(decoder.handle_bytes(&mut head.as_slice()), Ok(None));
    assert_eq!(decoder.missing() as u64, announced);
    assert!(decoder.reserved_nbytes() < 1000);
    assert!(decoder.space().is_some());
    assert!(decoder.reserved_nbytes() <= 512 << 10, "{}", decoder.reserved_nbytes());
    let mut arrived = 0;
    for _ in 0..200 {
        arrived += 10_000;
        decoder.handle_bytes(&mut [0; 10_000].as_slice()).unwrap();
        assert!(decoder.reserved_nbytes() <= 2 * arrived + (512 << 10));
    }
}

#[test]
fn more_than_the_limits_is_refused_as_soon_as_it_is_announced_and_ever_after() {
    let limits = Limits { message_nbytes_max: 1000, frames_max: 3, ..Limits::default() };
    let refused = |numbers: &[u64]| {
        let mut decoder = Decoder::new(limits.clone());
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        let error = decoder.handle_bytes(&mut bytes.as_slice()).unwrap_err();
        assert_eq!(decoder.handle_bytes(&mut [0; 8].as_slice()), Err(error.clone()));
        assert!(decoder.space().is_none());
        assert_eq!(decoder.handle_filled(100), None);
        error
    };
    assert_eq!(refused(&[0, 4]), WireError::Limit { what: Limited::Frames, found: 4, limit: 3 });
    assert_eq!(refused(&[0, u64::MAX]), WireError::Limit { what: Limited::Frames, found: u64::MAX, limit: 3 });
    assert_eq!(refused(&[993, 1, 977]), WireError::Limit { what: Limited::MessageBytes, found: 1001, limit: 1000 });
    let found = u64::MAX;
    assert_eq!(refused(&[0, 2, found, found]), WireError::Limit { what: Limited::MessageBytes, found, limit: 1000 });
    assert_eq!(refused(&[17, 1, 8]), WireError::Prefix { found: 17, head_nbytes: 16, total_nbytes: 24 });
    assert_eq!(refused(&[u64::MAX, 1, 8]), WireError::Prefix { found: u64::MAX, head_nbytes: 16, total_nbytes: 24 });
    assert!(matches!(refused(&[8, 0]), WireError::Truncated { .. }));
}

proptest! {
    // Each case is up to a thousand pieces.
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn messages_in_random_pieces_are_the_same_messages(
        messages in prop::collection::vec((prop::collection::vec(prop_oneof![0_usize..40, 0_usize..30_000], 1..4), 0_usize..6), 1..4),
        cuts in prop::collection::vec(prop_oneof![1_usize..20, 1_usize..30_000], 1..6),
        reads_into_place: bool,
    ) {
        let messages: Vec<(Vec<Bytes>, usize)> = messages
            .into_iter()
            .map(|(sizes, first)| {
                let frames = sizes.iter().enumerate().map(|(index, size)| vec![index as u8; *size].into()).collect();
                (frames, first)
            })
            .collect();
        let bytes: Vec<u8> = messages.iter().flat_map(|(frames, first)| with_first_part(frames, *first)).collect();
        let frames: Vec<Vec<Bytes>> = messages.into_iter().map(|(frames, _)| frames).collect();
        prop_assert_eq!(decode_in_pieces(&bytes, &cuts, reads_into_place), Ok(frames));
    }

}

proptest! {
    #[test]
    fn random_bytes_never_make_the_decoder_panic_or_reserve_much(
        numbers in prop::collection::vec(prop_oneof![0_u64..40, any::<u64>()], 0..8),
        tail in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let mut bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        bytes.extend(tail);
        let mut decoder = Decoder::new(Limits::default());
        let mut rest = bytes.as_slice();
        while !rest.is_empty() && decoder.handle_bytes(&mut rest).is_ok() {
            prop_assert!(decoder.reserved_nbytes() < 100_000);
        }
    }
}
