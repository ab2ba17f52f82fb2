//! The stage of the demo: a folder with bootstrap, key and store, the plugin files, and providers
//! that are replayed.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use countersign::bootstrap::Bootstrap;
use countersign::store::StoreError;
use countersign_fixtures::{DEMO_BOOTSTRAP, DEMO_SECRETS, demo_cassettes};
use countersign_harness::cassette::{Player, ReadError, parse};
use countersign_harness::replay::ReplayTransport;
use countersign_plugin::Timestamp;
use tempfile::TempDir;
use totp_rs::TotpError;

use super::clock::DemoClock;
use super::phone::Screen;
use crate::error::CommandError;
use crate::open::{FirstUse, Loaded, Site, World};

/// What an earlier demo in the same folder did is over by then: codes, cool-downs and locks.
const REST: Duration = Duration::from_secs(3600);

/// Why the stage could not be set.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StageError {
    /// A file or folder cannot be made.
    #[error("{}: the demo cannot be set up there: {}; name a folder of your own by --dir", path.display(), cause.kind())]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// Somebody else's bootstrap.
    #[error("{} exists and is not the demo's; nothing was changed, name another folder by --dir", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A cassette that came with the program is broken.
    #[error("a cassette that belongs to this program cannot be read: {0}")]
    Cassette(#[from] ReadError),
    /// The plugin's QR code is none.
    #[error("the built-in app cannot read the QR code: {0}")]
    Unscanned(#[from] TotpError),
}

/// A plugin file that was loaded.
pub(super) struct LoadedFile {
    pub(super) plugin: String,
    pub(super) version: String,
    pub(super) path: PathBuf,
}

/// A stage that is set.
pub(super) struct Stage {
    // Before the folder, so that the store is closed when that goes.
    pub(super) site: Site,
    pub(super) clock: Arc<DemoClock>,
    pub(super) plugins: Vec<LoadedFile>,
    transport: Arc<ReplayTransport>,
    folder: Folder,
}

/// Where everything is.
enum Folder {
    /// Gone with the stage.
    Fresh(TempDir),
    /// The person's, to be looked at later.
    Kept(PathBuf),
}

impl Stage {
    /// Sets it, in this folder or in one that will be gone.
    pub(super) fn set(dir: Option<&Path>) -> Result<Self, CommandError> {
        let folder = match dir {
            Some(dir) => Folder::Kept(dir.to_owned()),
            None => {
                let fresh = tempfile::Builder::new().prefix("countersign-demo-").tempdir();
                Folder::Fresh(fresh.map_err(|cause| StageError::Unwritable { path: std::env::temp_dir(), cause })?)
            }
        };
        let bootstrap = furnish(folder.path())?;
        let cassettes = demo_cassettes().map(|(path, text)| parse(Path::new(path), text.as_bytes()));
        let cassettes = cassettes.collect::<Result<Vec<_>, _>>().map_err(StageError::Cassette)?;
        let transport = Arc::new(ReplayTransport::new(Player::new(cassettes)));
        let clock = Arc::new(DemoClock::default());
        // Nothing of the environment: whatever is set there is meant for another bootstrap.
        let loaded = Loaded::new(Bootstrap::read_with(&bootstrap, [])?)?;
        let plugins = loaded.registry.plugins().map(|plugin| LoadedFile {
            plugin: plugin.manifest.id.clone(),
            version: plugin.manifest.version.clone(),
            path: plugin.path.clone(),
        });
        let plugins = plugins.collect();
        let world = World { transport: transport.clone(), clock: clock.clone() };
        Ok(Self { site: loaded.site(world, FirstUse::Makes)?, clock, plugins, transport, folder })
    }

    /// Winds the clock past whatever happened in this folder before.
    pub(super) async fn wind_clock(&self) -> Result<(), StoreError> {
        if let Some(last) = self.last_event().await? {
            self.clock.move_to(last + REST);
        }
        Ok(())
    }

    async fn last_event(&self) -> Result<Option<Timestamp>, StoreError> {
        const PAGE: u32 = 1000;
        let mut last = None;
        loop {
            let after = last.map_or(0, |(sequence, _)| sequence);
            match self.site.store.audit(after, PAGE).await?.last() {
                Some(event) => last = Some((event.sequence, event.at)),
                None => return Ok(last.map(|(_, at)| at)),
            }
        }
    }

    /// What the phone of this number has shown since it was looked at last.
    pub(super) fn screen(&self, number: &str) -> Option<Screen> {
        Screen::newest(self.transport.take_inbox(), number)
    }

    /// The bootstrap, if it is kept.
    pub(super) fn kept(&self) -> Option<PathBuf> {
        match &self.folder {
            Folder::Kept(_) => Some(self.site.bootstrap.path.clone()),
            Folder::Fresh(_) => None,
        }
    }
}

impl Folder {
    fn path(&self) -> &Path {
        match self {
            Self::Fresh(folder) => folder.path(),
            Self::Kept(folder) => folder,
        }
    }
}

/// Puts bootstrap and secrets into the folder, unless an earlier demo did. Returns the bootstrap.
fn furnish(folder: &Path) -> Result<PathBuf, StageError> {
    let bootstrap = folder.join("countersign.toml");
    let unwritable = |path: &Path, cause| StageError::Unwritable { path: path.to_owned(), cause };
    // Looked at before anything is written.
    match fs::read(&bootstrap) {
        Ok(found) if found == DEMO_BOOTSTRAP.as_bytes() => {}
        Ok(_) => return Err(StageError::Foreign { path: bootstrap }),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
        Err(cause) => return Err(unwritable(&bootstrap, cause)),
    }
    for (name, text) in DEMO_SECRETS.into_iter().chain([("countersign.toml", DEMO_BOOTSTRAP)]) {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(|cause| unwritable(parent, cause))?;
        write_private(&path, text).map_err(|cause| unwritable(&path, cause))?;
    }
    Ok(bootstrap)
}

/// Writes a file for its owner only, unless it is there.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        opened => opened?.write_all(text.as_bytes()),
    }
}
