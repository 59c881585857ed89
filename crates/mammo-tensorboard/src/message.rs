//! The few messages of `event.proto` and `summary.proto` that are needed, in the wire format of protocol buffers
//! (<https://protobuf.dev/programming-guides/encoding/>).

/// How a field's value is kept: the lowest three bits of its key.
mod wire {
    pub(super) const VARINT: u64 = 0;
    pub(super) const BITS_64: u64 = 1;
    pub(super) const BYTES: u64 = 2;
    pub(super) const BITS_32: u64 = 5;
}

/// Numbers of the fields.
mod event {
    pub(super) const WALL_TIME: u64 = 1;
    pub(super) const STEP: u64 = 2;
    pub(super) const FILE_VERSION: u64 = 3;
    pub(super) const SUMMARY: u64 = 5;
    pub(super) const SESSION_LOG: u64 = 7;
}
mod summary {
    pub(super) const VALUE: u64 = 1;
}
mod value {
    pub(super) const TAG: u64 = 1;
    pub(super) const SIMPLE_VALUE: u64 = 2;
    pub(super) const IMAGE: u64 = 4;
}
mod image {
    pub(super) const HEIGHT: u64 = 1;
    pub(super) const WIDTH: u64 = 2;
    pub(super) const COLORSPACE: u64 = 3;
    pub(super) const ENCODED_IMAGE_STRING: u64 = 4;
}
mod session_log {
    pub(super) const STATUS: u64 = 1;
    pub(super) const START: u64 = 1;
}

/// What stands in the first event of every file; without it TensorBoard guesses restarts from steps that go back.
const FILE_VERSION: &[u8] = b"brain.Event:2";

/// What an event says.
pub(crate) enum Content<'a> {
    /// The version of the file.
    Version,
    /// From this step on, what files before this one say is void.
    Start,
    /// Numbers by name.
    Scalars(&'a [(&'a str, f32)]),
    /// A picture.
    Picture(Picture<'a>),
}

/// A PNG with what its header says.
pub(crate) struct Picture<'a> {
    pub(crate) tag: &'a str,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Channels: 1 grey, 2 grey and alpha, 3 red, green and blue, 4 those and alpha.
    pub(crate) colorspace: u8,
    pub(crate) png: &'a [u8],
}

/// The bytes of an event at `wall_time_s` seconds after 1970.
pub(crate) fn encode(wall_time_s: f64, step: i64, content: &Content) -> Vec<u8> {
    let mut out = Vec::new();
    key(&mut out, event::WALL_TIME, wire::BITS_64);
    out.extend_from_slice(&wall_time_s.to_le_bytes());
    put_number(&mut out, event::STEP, step.cast_unsigned());
    match content {
        Content::Version => put_bytes(&mut out, event::FILE_VERSION, FILE_VERSION),
        Content::Start => {
            let mut log = Vec::new();
            put_number(&mut log, session_log::STATUS, session_log::START);
            put_bytes(&mut out, event::SESSION_LOG, &log);
        }
        Content::Scalars(scalars) => {
            let mut values = Vec::new();
            for (tag, number) in *scalars {
                let mut value = Vec::new();
                put_bytes(&mut value, value::TAG, tag.as_bytes());
                key(&mut value, value::SIMPLE_VALUE, wire::BITS_32);
                value.extend_from_slice(&number.to_le_bytes());
                put_bytes(&mut values, summary::VALUE, &value);
            }
            put_bytes(&mut out, event::SUMMARY, &values);
        }
        Content::Picture(picture) => {
            let (mut image, mut value, mut values) = (Vec::new(), Vec::new(), Vec::new());
            put_number(&mut image, image::HEIGHT, u64::from(picture.height));
            put_number(&mut image, image::WIDTH, u64::from(picture.width));
            put_number(&mut image, image::COLORSPACE, u64::from(picture.colorspace));
            put_bytes(&mut image, image::ENCODED_IMAGE_STRING, picture.png);
            put_bytes(&mut value, value::TAG, picture.tag.as_bytes());
            put_bytes(&mut value, value::IMAGE, &image);
            put_bytes(&mut values, summary::VALUE, &value);
            put_bytes(&mut out, event::SUMMARY, &values);
        }
    }
    out
}

fn key(out: &mut Vec<u8>, field: u64, wire: u64) {
    varint(out, field << 3 | wire);
}

/// Seven bits a byte, the lowest first; the top bit says that more follow.
fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Zero is what a reader takes for a number that is not there, and is left out.
fn put_number(out: &mut Vec<u8>, field: u64, number: u64) {
    if number != 0 {
        key(out, field, wire::VARINT);
        varint(out, number);
    }
}

fn put_bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    key(out, field, wire::BYTES);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// The numbers of an event.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Scalars {
    pub(crate) wall_time_s: f64,
    pub(crate) step: i64,
    pub(crate) values: Vec<(String, f32)>,
}

/// Reads the numbers of an event; what else it says is passed over. `None` when it is no such message.
pub(crate) fn decode(mut message: &[u8]) -> Option<Scalars> {
    let mut scalars = Scalars::default();
    while !message.is_empty() {
        match field(&mut message)? {
            (event::WALL_TIME, Wire::Bits64(bits)) => scalars.wall_time_s = f64::from_bits(bits),
            (event::STEP, Wire::Varint(step)) => scalars.step = step.cast_signed(),
            (event::SUMMARY, Wire::Bytes(mut summary)) => {
                while !summary.is_empty() {
                    if let (summary::VALUE, Wire::Bytes(value)) = field(&mut summary)? {
                        scalars.values.extend(decode_value(value)?);
                    }
                }
            }
            _ => {}
        }
    }
    Some(scalars)
}

/// Name and number of a value; `Some(None)` when it is something else than a number.
#[allow(clippy::option_option)] // `None` is damage here as in all of this module
fn decode_value(mut message: &[u8]) -> Option<Option<(String, f32)>> {
    let (mut tag, mut number) = (String::new(), None);
    while !message.is_empty() {
        match field(&mut message)? {
            (value::TAG, Wire::Bytes(bytes)) => str::from_utf8(bytes).ok()?.clone_into(&mut tag),
            (value::SIMPLE_VALUE, Wire::Bits32(bits)) => number = Some(f32::from_bits(bits)),
            _ => {}
        }
    }
    Some(number.map(|number| (tag, number)))
}

/// A field's value, not yet understood.
enum Wire<'a> {
    Varint(u64),
    Bits64(u64),
    Bytes(&'a [u8]),
    Bits32(u32),
}

/// Takes number and value of the first field off. `None` when there is no whole one; groups, which these messages never
/// had, are none.
fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Wire<'a>)> {
    let key = take_varint(rest)?;
    let value = match key & 7 {
        wire::VARINT => Wire::Varint(take_varint(rest)?),
        wire::BITS_64 => Wire::Bits64(u64::from_le_bytes(take(rest)?)),
        wire::BYTES => {
            let length = usize::try_from(take_varint(rest)?).ok()?;
            let (bytes, after) = rest.split_at_checked(length)?;
            *rest = after;
            Wire::Bytes(bytes)
        }
        wire::BITS_32 => Wire::Bits32(u32::from_le_bytes(take(rest)?)),
        _ => return None,
    };
    Some((key >> 3, value))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*bytes)
}

fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let [byte] = take(rest)?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever bytes pass the checksums by chance or malice.
        #[test]
        fn no_message_makes_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = decode(&bytes);
        }

        #[test]
        fn a_message_that_is_cut_within_a_field_is_refused_and_never_read_as_another(
            number in any::<f32>(),
            cut in 1_usize..24,
        ) {
            let whole = encode(1.0, 300, &Content::Scalars(&[("loss", number)]));
            let cut = &whole[..whole.len() - cut.min(whole.len())];
            // Between the fields of the event there is nothing to tell that one is missing; the checksum does.
            prop_assert!(decode(cut).is_none_or(|scalars| scalars.values.is_empty()));
        }
    }

    /// The bytes are those of the Python package `tensorboard` 2.21 (`event_pb2`, `summary_pb2`) for the same messages.
    #[test]
    fn messages_are_those_of_tensorboard() {
        let picture = Picture { tag: "samples", width: 4, height: 3, colorspace: 1, png: b"..." };
        for (step, content, bytes) in [
            (0, Content::Version, "0900002040fc54d9411a0d627261696e2e4576656e743a32"),
            (300, Content::Start, "0900002040fc54d94110ac023a020801"),
            (
                300,
                Content::Scalars(&[("loss/cycle_a", 0.3), ("d", 0.0)]),
                "0900002040fc54d94110ac022a1f0a130a0c6c6f73732f6379636c655f61159a99993e0a080a01641500000000",
            ),
            (
                300,
                Content::Picture(picture),
                "0900002040fc54d94110ac022a180a160a0773616d706c6573220b08031004180122032e2e2e",
            ),
        ] {
            let encoded = encode(1_700_000_000.5, step, &content);
            assert_eq!(mammo_files::hex(&encoded), bytes);
        }
    }

    #[test]
    fn what_is_no_number_is_passed_over() {
        let picture = Picture { tag: "samples", width: 4, height: 3, colorspace: 1, png: b"..." };
        for content in [Content::Version, Content::Start, Content::Picture(picture)] {
            let scalars = decode(&encode(2.5, 7, &content)).unwrap();
            assert_eq!(scalars, Scalars { wall_time_s: 2.5, step: 7, values: Vec::new() });
        }
    }
}
