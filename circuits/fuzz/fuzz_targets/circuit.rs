#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| verifai_fuzzing::circuit::circuit(data));
