//! The binary interface between host and plugin. Vendors never touch it: `export_provider!` is
//! the only line that does.
//!
//! [`PluginV1`] is **frozen for ever**: functions over integers, `RSlice<u8>`, `RVec<u8>` and
//! `RResult` of these. Everything that may grow is in the bytes, which are JSON of the types in
//! [`step`](crate::step). No struct, enum or trait object of ours crosses.
#![allow(non_camel_case_types, reason = "abi_stable names the pointer type `PluginV1_Ref`")]
#![allow(unsafe_code, reason = "the derive of abi_stable and the library header are unsafe by nature")]
#![allow(missing_docs, reason = "the derive of abi_stable makes undocumented companions of PluginV1")]

pub(crate) mod guard;
pub(crate) mod instances;
mod note;

use abi_stable::StableAbi;
use abi_stable::library::RootModule;
use abi_stable::package_version_strings;
use abi_stable::sabi_types::VersionStrings;
use abi_stable::std_types::{RResult, RSlice, RVec};

pub use instances::Instances;
pub use note::{ManifestNote, NOTE_NAME, NOTE_TYPE};

/// What every entry returns: bytes of its own kind, or a [`Fault`](crate::Fault) as JSON. Of `open`, `begin` and
/// `resume` they are JSON, of `describe` the manifest, of `query` what the extension says; of `end` and `close` there
/// are none. The memory is the plugin's, and freeing it runs code of the plugin: copy it and drop it at once.
pub type Bytes = RResult<RVec<u8>, RVec<u8>>;

/// The root module of a plugin file.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginV1_Ref)))]
#[sabi(missing_field(panic))]
pub struct PluginV1 {
    /// The manifest, byte for byte as in the file's note.
    pub describe: extern "C" fn() -> Bytes,
    /// Settings (JSON) → `{"instance": n}`.
    pub open: extern "C" fn(settings: RSlice<'_, u8>) -> Bytes,
    /// Instance, call (JSON) → answer (JSON) with `handle`.
    pub begin: extern "C" fn(instance: u64, call: RSlice<'_, u8>) -> Bytes,
    /// Handle, reply (JSON) → answer (JSON).
    pub resume: extern "C" fn(handle: u64, reply: RSlice<'_, u8>) -> Bytes,
    /// Ends an operation at any moment and drops what it holds. Returns no bytes.
    pub end: extern "C" fn(handle: u64) -> Bytes,
    /// Closes an instance; operations under way finish on it. Returns no bytes.
    pub close: extern "C" fn(instance: u64) -> Bytes,
    /// Name of an extension (UTF-8), bytes → bytes; unknown names are a fault.
    #[sabi(last_prefix_field)]
    pub query: extern "C" fn(name: RSlice<'_, u8>, bytes: RSlice<'_, u8>) -> Bytes,
}

impl RootModule for PluginV1_Ref {
    abi_stable::declare_root_module_statics! {PluginV1_Ref}
    const BASE_NAME: &'static str = "countersign_plugin";
    const NAME: &'static str = "countersign_plugin";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}

/// What the expansion of `export_provider!` refers to. Not for direct use.
#[doc(hidden)]
pub mod export {
    pub use abi_stable::library::{__call_root_module_loader, LibHeader, ROOT_MODULE_LOADER_NAME};
    pub use abi_stable::prefix_type::PrefixTypeTrait;
    pub use abi_stable::std_types::{RResult, RSlice, RVec};

    pub use super::{Bytes, Instances, ManifestNote, PluginV1, PluginV1_Ref};

    /// The header of the library; what `#[export_root_module]` of `abi_stable` would have made,
    /// without making the vendor depend on `abi_stable`.
    pub const fn header(constructor: extern "C" fn() -> Constructed) -> LibHeader {
        // SAFETY: the constructor returns what `__call_root_module_loader` made of a function
        // that returns `PluginV1_Ref`, which is what the header is tagged with; the layout check
        // stays on.
        unsafe { LibHeader::from_constructor::<PluginV1_Ref>(constructor, abi_stable::library::CheckTypeLayout::Yes) }
    }

    /// What a root module constructor returns.
    pub type Constructed = abi_stable::library::RootModuleResult;
}

/// Exports a [`Provider`](crate::Provider): the only line of a plugin that touches the binary
/// interface. It embeds `manifest.json`, which stands beside the plugin's `Cargo.toml`, and
/// exports the frozen root module with every entry guarded.
///
/// ```ignore
/// countersign_plugin::export_provider!(AcmeSms);
/// ```
///
/// A crate compiled with `panic = "abort"` is refused: a panic must become an error, not the
/// end of the host.
#[macro_export]
macro_rules! export_provider {
    ($provider:ty) => {
        #[cfg(not(panic = "unwind"))]
        ::core::compile_error!(
            "a Countersign plugin must be compiled with panic = \"unwind\": a panic has to become an error, not the end of the host; remove `panic = \"abort\"` from the profile"
        );

        #[allow(unsafe_code, reason = "the note and the library header are found by their link names")]
        const _: () = {
            use $crate::abi::export as abi;

            static MANIFEST: &[u8] = ::core::include_bytes!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/manifest.json"));

            // On ELF, whatever the system, a section whose name begins with `.note` becomes a note, which linkers that
            // collect garbage keep; other formats carry the manifest as a plain section.
            #[used]
            #[cfg_attr(not(any(target_vendor = "apple", target_os = "windows")), unsafe(link_section = ".note.countersign"))]
            #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__countersign"))]
            #[cfg_attr(target_os = "windows", unsafe(link_section = ".csign"))]
            static NOTE: abi::ManifestNote<{ MANIFEST.len() }> = abi::ManifestNote::new(MANIFEST);

            static INSTANCES: abi::Instances<$provider> = abi::Instances::new(MANIFEST);

            extern "C" fn describe() -> abi::Bytes {
                INSTANCES.describe()
            }
            extern "C" fn open(settings: abi::RSlice<'_, u8>) -> abi::Bytes {
                INSTANCES.open(settings.as_slice())
            }
            extern "C" fn begin(instance: u64, call: abi::RSlice<'_, u8>) -> abi::Bytes {
                INSTANCES.begin(instance, call.as_slice())
            }
            extern "C" fn resume(handle: u64, reply: abi::RSlice<'_, u8>) -> abi::Bytes {
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

            fn root() -> abi::PluginV1_Ref {
                use abi::PrefixTypeTrait as _;
                abi::PluginV1 { describe, open, begin, resume, end, close, query }.leak_into_prefix()
            }
            extern "C" fn constructor() -> abi::Constructed {
                abi::__call_root_module_loader(root)
            }

            // The name is `ROOT_MODULE_LOADER_NAME` of abi_stable; a test of the SDK compares.
            #[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
            static HEADER: abi::LibHeader = abi::header(constructor);
        };
    };
}

#[cfg(test)]
mod tests {
    use super::export::ROOT_MODULE_LOADER_NAME;

    #[test]
    fn the_exported_name_is_the_one_that_abi_stable_looks_for() {
        assert_eq!(ROOT_MODULE_LOADER_NAME, "_1as_0lib_1header_0root_bmodule_bloader");
    }
}
