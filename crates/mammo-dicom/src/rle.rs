//! RLE Lossless (PS3.5 annex G): each byte of the pixels in a segment of its own, the most significant one first, packed by
//! the PackBits method.

/// Decodes one frame of `pixels` values with one or two bytes each.
pub(crate) fn decode(frame: &[u8], pixels: usize, bytes_per_pixel: usize) -> Result<Vec<u16>, String> {
    let number = |at: usize| {
        let bytes = frame.get(4 * at..).and_then(|rest| rest.first_chunk::<4>());
        bytes.map(|b| u32::from_le_bytes(*b) as usize).ok_or("the header of the frame is cut off")
    };
    let segments = number(0)?;
    if segments != bytes_per_pixel {
        return Err(format!("the frame has {segments} segments, {bytes_per_pixel} are needed"));
    }
    // A run of 128 equal bytes takes two: what is shorter cannot hold the picture.
    if frame.len().saturating_mul(64) < pixels * bytes_per_pixel {
        return Err(format!("{} bytes cannot hold {pixels} pixels", frame.len()));
    }
    let mut values = vec![0u16; pixels];
    for segment in 0..segments {
        let from = number(1 + segment)?;
        let to = if segment + 1 < segments { number(2 + segment)? } else { frame.len() };
        let packed = frame.get(from..to).ok_or("a segment lies outside of the frame")?;
        let shift = 8 * (segments - 1 - segment);
        unpack(packed, &mut values, shift)?;
    }
    Ok(values)
}

fn unpack(packed: &[u8], values: &mut [u16], shift: usize) -> Result<(), &'static str> {
    let short = "a segment ends before the picture does";
    let (mut at, mut done) = (0, 0);
    while done < values.len() {
        let &control = packed.get(at).ok_or(short)?;
        at += 1;
        match control {
            128 => {}
            0..128 => {
                let count = usize::from(control) + 1;
                let bytes = packed.get(at..at + count).ok_or(short)?;
                // Runs may go on beyond the last pixel, as padding to an even length.
                for (value, &byte) in values[done..].iter_mut().zip(bytes) {
                    *value |= u16::from(byte) << shift;
                }
                at += count;
                done += count;
            }
            129.. => {
                let count = 257 - usize::from(control);
                let byte = u16::from(*packed.get(at).ok_or(short)?) << shift;
                let end = (done + count).min(values.len());
                values[done..end].iter_mut().for_each(|value| *value |= byte);
                at += 1;
                done += count;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Packs values as the standard wants them, in runs where two neighbours are equal.
    pub(crate) fn encode(values: &[u16], bytes_per_pixel: usize) -> Vec<u8> {
        let mut header = vec![bytes_per_pixel as u32];
        let mut body = Vec::new();
        for segment in 0..bytes_per_pixel {
            header.push(64 + body.len() as u32);
            let bytes: Vec<u8> =
                values.iter().map(|v| (v >> (8 * (bytes_per_pixel - 1 - segment))) as u8).collect();
            for run in bytes.chunk_by(|a, b| a == b) {
                for part in run.chunks(128) {
                    match part {
                        [one] => body.extend([0, *one]),
                        _ => body.extend([(257 - part.len()) as u8, part[0]]),
                    }
                }
            }
            if body.len() % 2 == 1 {
                body.push(0);
            }
        }
        header.resize(16, 0);
        header.iter().flat_map(|n| n.to_le_bytes()).chain(body).collect()
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(values in prop::collection::vec(prop_oneof![Just(0u16), any::<u16>()], 1..400)) {
            let packed = encode(&values, 2);
            prop_assert_eq!(decode(&packed, values.len(), 2).unwrap(), values.clone());
            prop_assert!(decode(&packed, values.len() * 200, 2).is_err());
            let low: Vec<u16> = values.iter().map(|v| v & 255).collect();
            prop_assert_eq!(decode(&encode(&low, 1), low.len(), 1).unwrap(), low);
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), pixels in 1usize..100) {
            for start in [&[][..], &[2, 0, 0, 0, 12, 0, 0, 0, 14, 0, 0, 0]] {
                let _ = decode(&[start, &bytes].concat(), pixels, 2);
            }
        }
    }

    /// PS3.5 section G.3.2 by hand: three literal bytes, four equal ones, a no-operation.
    #[test]
    fn literal_runs_equal_runs_and_gaps() {
        let mut frame = vec![0u8; 64];
        frame[0] = 1;
        frame[4] = 64;
        frame.extend([2, 10, 20, 30, 0x80, 0xfd, 7]);
        assert_eq!(decode(&frame, 7, 1).unwrap(), [10, 20, 30, 7, 7, 7, 7]);
    }
}
