#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| roster::http::fuzzing::run("scim-request", data));
