//! What is attached, written down before it is: a file for each attachment, from which alone it can be deleted.
//!
//! ```text
//! /run/minicontain/cni/results/NETWORK-CONTAINER-INTERFACE    ($XDG_RUNTIME_DIR/minicontain/… for an ordinary user)
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::attachment::{Attachment, NamespaceId};
use super::config::Config;
use super::result::CniResult;
use crate::error::{Code, Error};
use crate::host::{Maker, next_number, state_directory};

/// How long writing a new file may take: one that cannot be read for longer is a killed process's, which ran no plugin.
const GRACE: Duration = Duration::from_secs(2);

/// An attachment that was made, or begun, and not deleted yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attached {
    maker: Maker,
    /// Which of its maker's attachments it is.
    number: u32,
    pub(super) attachment: Attachment,
    namespace: NamespaceId,
    config: Value,
    /// What the plugins that have run gave together.
    #[serde(rename = "result")]
    pub(super) json: Option<Value>,
    /// Whether all of them have.
    pub(super) complete: bool,
}

impl Attached {
    /// Writes down what is about to be attached.
    pub(super) fn begin(
        attachment: &Attachment,
        config: &Config,
        namespace: NamespaceId,
    ) -> Result<Self, Error> {
        let own = Self {
            maker: Maker::this(),
            number: next_number(),
            attachment: attachment.clone(),
            namespace,
            config: config.to_value(),
            json: None,
            complete: false,
        };
        let place = place(attachment, config.name())?;
        let mut made = own.create(&place);
        if made.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AlreadyExists) {
            match read(&place) {
                Some(other) if other.is_left_behind() => other.delete()?,
                Some(_) => {}
                None => remove_torn(&place),
            }
            made = own.create(&place);
        }
        made.map_err(|error| {
            if error.kind() == io::ErrorKind::AlreadyExists {
                let problem = format!(
                    "container '{}' is attached to the CNI network '{}' as {} already",
                    attachment.container_id,
                    config.name(),
                    attachment.ifname
                );
                return Error::call(
                    Code::NameTaken,
                    problem,
                    0,
                    "delete that first, or choose another interface name",
                )
                .about(&place.display().to_string());
            }
            failed("could not write down what is about to be attached", &place, &error)
        })?;
        Ok(own)
    }

    /// What is written down about an attachment, if anything is.
    pub(super) fn find(attachment: &Attachment, config: &Config) -> Result<Option<Self>, Error> {
        Ok(read(&place(attachment, config.name())?).filter(|found| found.is_about(attachment, config.name())))
    }

    /// All of this user's, the unfinished ones included.
    ///
    /// ```no_run
    /// use minicontain::network::cni::Attached;
    /// for attached in Attached::all()?.iter().filter(|one| one.container_id() == "box") {
    ///     println!("{} in {}: {:?}", attached.ifname(), attached.network(), attached.result());
    /// }
    /// # Ok::<(), minicontain::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Code::Io`] when they cannot be listed.
    pub fn all() -> Result<Vec<Self>, Error> {
        let directory = directory()?;
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed("could not list what is attached", &directory, &error)),
        };
        let mut paths: Vec<_> =
            entries.flatten().map(|entry| entry.path()).filter(|path| !is_draft(path)).collect();
        paths.sort();
        Ok(paths
            .into_iter()
            .filter_map(|path| {
                let found = read(&path);
                if found.is_none() {
                    remove_torn(&path);
                }
                found
            })
            .collect())
    }

    /// Writes down what has been attached since.
    pub(super) fn update(&self) -> Result<(), Error> {
        let place = self.place()?;
        let draft = draft(&place);
        // Nobody shall read half of it.
        let written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft);
        let written = written
            .and_then(|mut file| file.write_all(&self.text()?))
            .and_then(|()| fs::rename(&draft, &place));
        written.map_err(|error| failed("could not write down what was attached", &place, &error))
    }

    /// Forgets it, and with the last one the directories, which are empty then.
    pub(super) fn forget(&self) -> Result<(), Error> {
        let place = self.place()?;
        let _ = fs::remove_file(draft(&place));
        match fs::remove_file(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("could not forget an attachment", &place, &error))
            }
            _ => {
                let _ = place.ancestors().skip(1).take(3).try_for_each(fs::remove_dir);
                Ok(())
            }
        }
    }

    /// Whether nobody will delete it but a sweep: its maker is gone, or its namespace if it is a detached one.
    pub(super) fn is_left_behind(&self) -> bool {
        if self.attachment.detached {
            NamespaceId::of(&self.attachment.netns) != Some(self.namespace)
        } else {
            self.maker.is_gone()
        }
    }

    /// Waits for whoever else is deleting it; nothing if it is deleted by now. While this is held, nobody can delete it, or
    /// attach the same anew.
    pub(super) fn claim(&self) -> Result<Option<Flock<File>>, Error> {
        let place = self.place()?;
        let lost = |error: &io::Error| failed("could not lock an attachment", &place, error);
        let file = match File::open(&place) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(lost(&error)),
        };
        let lock = Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| lost(&errno.into()))?;
        Ok(read(&place)
            .is_some_and(|now| (now.maker, now.number) == (self.maker, self.number))
            .then_some(lock))
    }

    /// The first of these paths, or the one written down, that stands for the namespace that was attached; none where
    /// that is gone.
    pub(super) fn living_netns(&self, given: Option<&Path>) -> PathBuf {
        let known = given.into_iter().chain([&*self.attachment.netns]);
        known
            .into_iter()
            .find(|path| NamespaceId::of(path) == Some(self.namespace))
            .unwrap_or(Path::new(""))
            .into()
    }

    /// The configuration that it was attached with.
    pub(super) fn config(&self) -> Result<Config, Error> {
        Config::parse(&self.config.to_string())
    }

    /// The container's id.
    #[must_use]
    pub fn container_id(&self) -> &str {
        &self.attachment.container_id
    }

    /// The network's name.
    #[must_use]
    pub fn network(&self) -> &str {
        self.config.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    /// The interface's name in the container.
    #[must_use]
    pub fn ifname(&self) -> &str {
        &self.attachment.ifname
    }

    /// What attaching gave; nothing while, or if, it was not finished.
    #[must_use]
    pub fn result(&self) -> Option<CniResult> {
        let json = self.json.clone().filter(|_| self.complete)?;
        CniResult::from_value(json).ok()
    }

    fn is_about(&self, attachment: &Attachment, network: &str) -> bool {
        let of = |one: &Attachment| (one.container_id.clone(), one.ifname.clone());
        of(&self.attachment) == of(attachment) && self.network() == network
    }

    fn place(&self) -> Result<PathBuf, Error> {
        place(&self.attachment, self.network())
    }

    fn text(&self) -> io::Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(io::Error::from)
    }

    fn create(&self, place: &Path) -> io::Result<()> {
        let mut tries = 0..100;
        loop {
            let above = place
                .parent()
                .map_or(Ok(()), |dir| DirBuilder::new().recursive(true).mode(0o700).create(dir));
            let made =
                above.and_then(|()| OpenOptions::new().write(true).create_new(true).mode(0o600).open(place));
            match made {
                // Whoever forgot the last attachment took the directory with it in between.
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries.next().is_some() => {}
                Err(error) => return Err(error),
                Ok(mut file) => {
                    let written = self.text().and_then(|text| file.write_all(&text));
                    if written.is_err() {
                        let _ = fs::remove_file(place);
                    }
                    return written;
                }
            }
        }
    }
}

fn directory() -> Result<PathBuf, Error> {
    Ok(state_directory("networks")?.join("cni/results"))
}

fn place(attachment: &Attachment, network: &str) -> Result<PathBuf, Error> {
    Ok(directory()?.join(format!("{network}-{}-{}", attachment.container_id, attachment.ifname)))
}

/// No network's name begins with a dot.
fn draft(place: &Path) -> PathBuf {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    place.with_file_name(format!(".{name}"))
}

fn is_draft(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

fn read(path: &Path) -> Option<Attached> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Removes a file that was never finished. What only another version of this library can read is not one.
fn remove_torn(path: &Path) {
    if fs::read(path).is_ok_and(|text| serde_json::from_slice::<Value>(&text).is_ok()) {
        return;
    }
    let age = fs::metadata(path).and_then(|meta| meta.modified()).ok().and_then(|time| time.elapsed().ok());
    if age.is_some_and(|age| age > GRACE) {
        let _ = fs::remove_file(path);
    }
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Error {
    Error::call(Code::Io, what, error.raw_os_error().unwrap_or(0), "").about(&path.display().to_string())
}
