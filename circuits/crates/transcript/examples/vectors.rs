//! Writes `vectors/transcript.json` to standard output: what the Python and Solidity transcripts
//! are tested against. `cargo run -p verifai-transcript --example vectors > vectors/transcript.json`

use verifai_field::{encode, F};
use verifai_transcript::{Kind, Label, Transcript};

const DOMAIN: &str = "verifai test vector v1";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn main() {
    let mut t = Transcript::recording(DOMAIN);
    let start = hex(&t.state());
    let mut inputs: Vec<(String, Option<String>)> = Vec::new();
    let scalars = [F::from(0u64), F::from(1u64), -F::from(1u64)];
    t.absorb_bytes(Label::new("context"), b"chain 31337, job 7");
    inputs.push((hex(b"chain 31337, job 7"), None));
    t.absorb_bytes(Label::new("empty"), b"");
    inputs.push((String::new(), None));
    t.absorb(Label::new("shape"), &[28u64, 28, u64::MAX]);
    inputs.push((
        [28u64, 28, u64::MAX].map(|n| format!("{n:064x}")).concat(),
        None,
    ));
    let value = t.challenge(Label::new("alpha"));
    inputs.push((String::new(), Some(hex(&encode(&value)))));
    t.absorb(Label::new("columns"), &scalars);
    inputs.push((scalars.map(|s| hex(&encode(&s))).concat(), None));
    for value in t.challenges(Label::new("a label of 22 bytes..."), 3) {
        inputs.push((String::new(), Some(hex(&encode(&value)))));
    }
    let steps: Vec<String> = t
        .steps()
        .iter()
        .zip(&inputs)
        .map(|(step, (payload, value))| {
            let label = step.label.as_str();
            let state = hex(&step.state);
            match (step.absorbed, value) {
                (Some(kind), _) => format!(
                    "    {{\"absorb\": \"{}\", \"kind\": {}, \"payload\": \"{payload}\", \"state\": \"{state}\"}}",
                    label,
                    Kind::byte(kind)
                ),
                (None, value) => format!(
                    "    {{\"challenge\": \"{label}\", \"value\": \"{}\", \"state\": \"{state}\"}}",
                    value.as_deref().unwrap_or_default()
                ),
            }
        })
        .collect();
    println!(
        "{{\n  \"domain\": \"{DOMAIN}\",\n  \"start\": \"{start}\",\n  \"steps\": [\n{}\n  ]\n}}",
        steps.join(",\n")
    );
}
