//! Exports that `export_provider!` would not make.

/// Exports the channel without a flaw, but with entries of one's own: `describe` gives these bytes, and `resume` ends
/// the process for handles from that number on.
#[macro_export]
macro_rules! export_altered {
    (describe: $describe:expr, ends_process_from: $handle:expr) => {
        #[allow(unsafe_code, reason = "the note and the library header are found by their link names")]
        const _: () = {
            use $crate::countersign_plugin::abi::export as abi;

            type Provider = $crate::Plugin<{ $crate::Flaw::Nothing as u8 }>;

            static MANIFEST: &[u8] =
                ::core::include_bytes!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/manifest.json"));

            #[used]
            #[unsafe(link_section = ".note.countersign")]
            static NOTE: abi::ManifestNote<{ MANIFEST.len() }> = abi::ManifestNote::new(MANIFEST);

            static INSTANCES: abi::Instances<Provider> = abi::Instances::new(MANIFEST);

            extern "C" fn describe() -> abi::Bytes {
                let bytes: fn(&'static [u8]) -> ::std::vec::Vec<u8> = $describe;
                abi::RResult::ROk(abi::RVec::from(bytes(MANIFEST)))
            }
            extern "C" fn open(settings: abi::RSlice<'_, u8>) -> abi::Bytes {
                INSTANCES.open(settings.as_slice())
            }
            extern "C" fn begin(instance: u64, call: abi::RSlice<'_, u8>) -> abi::Bytes {
                INSTANCES.begin(instance, call.as_slice())
            }
            extern "C" fn resume(handle: u64, reply: abi::RSlice<'_, u8>) -> abi::Bytes {
                if handle >= $handle {
                    ::std::process::abort();
                }
                INSTANCES.resume(handle, reply.as_slice())
            }
            extern "C" fn end(handle: u64) -> abi::Bytes {
                INSTANCES.end(handle)
            }
            extern "C" fn close(instance: u64) -> abi::Bytes {
                INSTANCES.close(instance)
            }
            extern "C" fn query(name: abi::RSlice<'_, u8>, bytes: abi::RSlice<'_, u8>) -> abi::Bytes {
                INSTANCES.query(name.as_slice(), bytes.as_slice())
            }

            fn root() -> $crate::countersign_plugin::abi::PluginV1_Ref {
                use abi::PrefixTypeTrait as _;
                $crate::countersign_plugin::abi::PluginV1 { describe, open, begin, resume, end, close, query }
                    .leak_into_prefix()
            }
            extern "C" fn constructor() -> abi::Constructed {
                abi::__call_root_module_loader(root)
            }

            #[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
            static HEADER: abi::LibHeader = abi::header(constructor);
        };
    };
}

/// Puts the manifest into the file, and exports nothing to call.
#[macro_export]
macro_rules! export_note_only {
    () => {
        #[allow(unsafe_code, reason = "the note is found by its link name")]
        const _: () = {
            use $crate::countersign_plugin::abi::export as abi;

            static MANIFEST: &[u8] =
                ::core::include_bytes!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/manifest.json"));

            #[used]
            #[unsafe(link_section = ".note.countersign")]
            static NOTE: abi::ManifestNote<{ MANIFEST.len() }> = abi::ManifestNote::new(MANIFEST);
        };
    };
}
