//! The reader of a proof's messages.

use verifai_curve::{G1, G2};
use verifai_field::F;
use verifai_transcript::{Label, Message, ProofReader, ProofWriter, Transcript};

const MESSAGE: Label = Label::new("message");
const DRAW: Label = Label::new("draw");

/// The first byte says how many instructions follow, the rest is the proof. What can be read is
/// in its canonical form: a writer that sends it makes the same bytes and the same transcript.
pub fn messages(data: &[u8]) {
    let Some((count, rest)) = data.split_first() else {
        return;
    };
    let (script, proof) = rest.split_at(usize::from(*count).min(rest.len()));
    let mut reader = ProofReader::new(Transcript::new("fuzzing"), proof);
    let mut writer = ProofWriter::new(Transcript::new("fuzzing"));
    let mut complete = true;
    for instruction in script {
        let n = usize::from(instruction >> 3) % 5;
        complete = match instruction % 5 {
            0 => pass::<F>(&mut reader, &mut writer, n),
            1 => pass::<G1>(&mut reader, &mut writer, n),
            2 => pass::<G2>(&mut reader, &mut writer, n),
            3 => pass::<u64>(&mut reader, &mut writer, n),
            _ => {
                assert_eq!(
                    reader.transcript.challenges(DRAW, n),
                    writer.transcript.challenges(DRAW, n)
                );
                true
            }
        };
        assert_eq!(reader.transcript.state(), writer.transcript.state());
        if !complete {
            break;
        }
    }
    let ended = reader.finish().is_ok();
    let written = writer.finish();
    assert!(proof.starts_with(&written));
    assert_eq!(ended && complete, complete && written.len() == proof.len());
}

/// Reads a message and sends it again; whether there was one.
fn pass<M: Message>(reader: &mut ProofReader<'_>, writer: &mut ProofWriter, n: usize) -> bool {
    let before = reader.transcript.state();
    match reader.receive::<M>(MESSAGE, n) {
        Ok(values) => {
            assert_eq!(values.len(), n);
            writer.send(MESSAGE, &values);
            true
        }
        Err(_) => {
            assert_eq!(before, reader.transcript.state());
            false
        }
    }
}
