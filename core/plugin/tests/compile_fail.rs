//! What a vendor must not be able to build, and what they are told.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

/// An `Rc` held across an await: the future could not move to another thread of the host.
const RC_ACROSS_AWAIT: &str = "
    async fn start(&self, cx: &Context, _: StartChallenge) -> Result<Started, Failure> {
        let shared = std::rc::Rc::new(1);
        cx.random(1).await?;
        drop(shared);
        Ok(Started::default())
    }
";

#[test]
fn a_value_that_is_not_send_across_an_await_is_refused_readably() {
    let sdk = sdk();
    let refused = Plugin::with(RC_ACROSS_AWAIT).compile(&sdk, "unwind");
    let message = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success(), "an Rc across an await was accepted");
    for part in ["future cannot be sent between threads safely", "Rc<i32>", "fn start", "await"] {
        assert!(message.contains(part), "the message lacks `{part}`:\n{message}");
    }
}

#[test]
fn a_plugin_that_aborts_on_panic_is_refused() {
    let refused = Plugin::with("").compile(&sdk(), "abort");
    let message = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success(), "panic=abort was accepted");
    assert!(message.contains("a Countersign plugin must be compiled with panic = \"unwind\""), "{message}");
    assert!(message.contains("remove `panic = \"abort\"` from the profile"), "{message}");
}

/// The SDK against which the smallest plugin compiles.
fn sdk() -> PathBuf {
    let plugin = Plugin::with("");
    match candidates().into_iter().find(|sdk| plugin.compile(sdk, "unwind").status.success()) {
        Some(sdk) => sdk,
        None => panic!("with panic=unwind the plugin compiles against none of {:?}", candidates()),
    }
}

/// The smallest plugin, in a folder of its own.
struct Plugin {
    folder: tempfile::TempDir,
}

impl Plugin {
    /// Calls rustc itself: cargo would have to compile every dependency once more under that
    /// profile, while this one crate is enough to expand the macro.
    fn with(operation: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("manifest.json"), "{}").expect("a file");
        let source = format!(
            "#![allow(unused_imports)]
            use countersign_plugin::{{Context, Failure, Provider, StartChallenge, Started, export_provider}};
            struct Minimal;
            impl Provider for Minimal {{
                type Settings = ();
                fn open((): ()) -> Result<Self, Failure> {{
                    Ok(Self)
                }}
                {operation}
            }}
            export_provider!(Minimal);"
        );
        fs::write(folder.path().join("lib.rs"), source).expect("a file");
        Self { folder }
    }

    fn compile(&self, sdk: &Path, panic: &str) -> Output {
        let folder = self.folder.path();
        let dependencies = sdk.parent().expect("a file is in a folder");
        Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            .args(["--edition=2024", "--crate-type=lib", "--crate-name=minimal", "--emit=metadata"])
            .arg(format!("-Cpanic={panic}"))
            .arg(format!("-Ldependency={}", dependencies.display()))
            .arg(format!("--extern=countersign_plugin={}", sdk.display()))
            .arg("--out-dir")
            .arg(folder)
            .arg(folder.join("lib.rs"))
            .env("CARGO_MANIFEST_DIR", folder)
            .output()
            .expect("rustc can be run")
    }
}

/// The SDK as cargo built it for this test, newest first; older builds may lie beside it.
fn candidates() -> Vec<PathBuf> {
    let test = env::current_exe().expect("this test is a file");
    let folder = fs::read_dir(test.parent().expect("a file is in a folder")).expect("a folder");
    let mut found: Vec<_> = folder
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "rlib"))
        .filter(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libcountersign_plugin-"))
        })
        .collect();
    found.sort_by_key(|path| std::cmp::Reverse(fs::metadata(path).and_then(|data| data.modified()).ok()));
    found
}
