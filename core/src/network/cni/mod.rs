//! Networks of CNI plugins: the programs that Kubernetes, Podman and others attach containers with.
//!
//! A network is a file in `/etc/cni/net.d` that names plugins, a plugin is a program in `/opt/cni/bin` or
//! `/usr/lib/cni`. To attach a container, each plugin is run in turn with the configuration as its input, and prints
//! what the container has then. This is version 1.0.0 of the [specification](https://www.cni.dev/docs/spec/), and those
//! from 0.3.0 to 1.1.0 without GC and STATUS.
//!
//! ```no_run
//! use minicontain::network::cni::{Attachment, Config};
//! let network = Config::parse(r#"{"cniVersion": "1.0.0", "name": "lab", "plugins": [
//!     {"type": "bridge", "bridge": "lab0", "isGateway": true,
//!      "ipam": {"type": "host-local", "subnet": "10.16.9.0/24"}}]}"#)?;
//! let attachment = Attachment::new("box", "/run/netns/box");
//! let result = attachment.add(&network)?;
//! println!("{} at {}", result.interfaces[0].name, result.ips[0].address);
//! attachment.delete(&network)?;
//! # Ok::<(), minicontain::Error>(())
//! ```
//!
//! Plugins run in the network namespace of the calling thread, which is the host to them. What is attached is written
//! down before the first plugin runs, and forgotten when the last one has deleted it: what a killed process left can be
//! found ([`Attachment::left_behind`]) and deleted ([`sweep`]) by the next.

mod attachment;
mod cache;
mod config;
mod container;
mod plugin;
mod result;

pub use attachment::{Attachment, Bandwidth, PortMapping};
pub use cache::Attached;
pub use config::{CONFIG_DIR, Config, PluginConfig, Version};
pub(crate) use container::{Member, Plugged, is_config};
pub use plugin::PLUGIN_DIRS;
pub use result::{CniResult, Dns, Interface, Ip, Route};

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::error::{Code, Error};
use attachment::NamespaceId;
use plugin::{Failure, Plugin, Surroundings, Verb};

impl Attachment {
    /// Attaches the container: ADD of each plugin, in order. When one fails, those that were run are asked to delete, in
    /// reverse order.
    ///
    /// # Errors
    /// [`Code::CniFailed`] when a plugin is missing or fails, with what it says; [`Code::InvalidSpec`] for what cannot be;
    /// [`Code::NamespaceNotFound`]; [`Code::NameTaken`] when it is attached already; [`Code::Io`].
    pub fn add(&self, config: &Config) -> Result<CniResult, Error> {
        self.validate()?;
        self.check_capabilities(config)?;
        let namespace = self.namespace()?;
        // A plugin that is missing is told before anything is made.
        let plugins = find_plugins(self, config)?;
        let mut attached = Attached::begin(self, config, namespace)?;
        let around = self.surroundings(config, &self.netns);
        for (n, plugin) in plugins.iter().enumerate() {
            let input = input(self, config, n, attached.json.as_ref());
            let result = plugin.run(Verb::Add, &around, &input);
            let result =
                result.and_then(|text| plugin.result(&text, config.version().as_str(), &around.whom));
            let noted = result.and_then(|result| {
                attached.json = Some(result);
                attached.complete = n + 1 == plugins.len();
                Ok(attached.update()?)
            });
            if let Err(failure) = noted {
                return Err(undo(&attached, config, &plugins[..=n], &around, failure));
            }
        }
        let json = attached.json.take().unwrap_or_default();
        CniResult::from_value(json.clone()).map_err(|what| {
            let problem =
                format!("the CNI network '{}' gave a result that cannot be read: {what}", config.name());
            attached.json = Some(json);
            undo(
                &attached,
                config,
                &plugins,
                &around,
                failed(problem, 0, "see whether its last plugin is a CNI plugin").into(),
            )
        })
    }

    /// Checks that what ADD made is still there: CHECK of each plugin. Nothing is done where the network has
    /// `disableCheck`.
    ///
    /// # Errors
    /// [`Code::CniFailed`] when a plugin finds something amiss, or the container is not attached;
    /// [`Code::NamespaceNotFound`] when its network namespace is gone; [`Code::NotSupported`] before version 0.4.0.
    pub fn check(&self, config: &Config) -> Result<(), Error> {
        self.validate()?;
        if config.version() < Version::V0_4_0 {
            let problem = format!("CNI {} of the network '{}' has no CHECK", config.version(), config.name());
            return Err(Error::call(Code::NotSupported, problem, 0, "write cniVersion 0.4.0 or newer"));
        }
        if config.check_disabled() {
            return Ok(());
        }
        let attached =
            Attached::find(self, config)?.filter(|attached| attached.complete).ok_or_else(|| {
                let (id, name) = (&self.container_id, config.name());
                let problem = format!(
                    "container '{id}' is not attached to the CNI network '{name}' as {}",
                    self.ifname
                );
                failed(problem, libc::ENOENT, "add it first")
            })?;
        // As it was attached: the file may say something else by now.
        let (made, config) = (&attached.attachment, attached.config()?);
        let netns = attached.living_netns(Some(&self.netns));
        if netns.as_os_str().is_empty() {
            let problem = format!("the network namespace of container '{}' is gone", self.container_id);
            return Err(Error::call(Code::NamespaceNotFound, problem, 0, "delete the attachment"));
        }
        let around = made.surroundings(&config, &netns);
        for (n, plugin) in find_plugins(made, &config)?.iter().enumerate() {
            plugin.run(Verb::Check, &around, &input(made, &config, n, attached.json.as_ref()))?;
        }
        Ok(())
    }

    /// Detaches the container: DEL of each plugin, in reverse order, with what they were told when it was attached. It may
    /// be asked again and again, and when the network namespace is gone.
    ///
    /// # Errors
    /// [`Code::CniFailed`] when a plugin is missing or fails: what is written down stays, to be tried again.
    pub fn delete(&self, config: &Config) -> Result<(), Error> {
        self.validate()?;
        if let Some(attached) = Attached::find(self, config)? {
            return attached.delete_in(Some(&self.netns));
        }
        let netns = if NamespaceId::of(&self.netns).is_some() { &self.netns } else { Path::new("") };
        let around = self.surroundings(config, netns);
        for (n, plugin) in find_plugins(self, config)?.iter().enumerate().rev() {
            plugin.run(Verb::Del, &around, &input(self, config, n, None))?;
        }
        Ok(())
    }

    /// The attachments that nobody will delete: their makers were killed, or, for detached ones, their network namespaces
    /// are gone.
    ///
    /// ```no_run
    /// for attached in minicontain::network::cni::Attachment::left_behind()? {
    ///     println!("{} in {}", attached.container_id(), attached.network());
    ///     attached.delete()?;
    /// }
    /// # Ok::<(), minicontain::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Code::Io`] when they cannot be listed.
    pub fn left_behind() -> Result<Vec<Attached>, Error> {
        Ok(Attached::all()?.into_iter().filter(Attached::is_left_behind).collect())
    }
}

impl Attached {
    /// Detaches it, with what is written down alone. What somebody else has deleted meanwhile is no error.
    ///
    /// # Errors
    /// As [`Attachment::delete`].
    pub fn delete(&self) -> Result<(), Error> {
        self.delete_in(None)
    }

    fn delete_in(&self, netns: Option<&Path>) -> Result<(), Error> {
        let Some(_claim) = self.claim()? else { return Ok(()) };
        let (made, config) = (&self.attachment, self.config()?);
        let around = made.surroundings(&config, &self.living_netns(netns));
        let previous = self.json.as_ref().filter(|_| config.version() >= Version::V0_4_0);
        for (n, plugin) in find_plugins(made, &config)?.iter().enumerate().rev() {
            plugin.run(Verb::Del, &around, &input(made, &config, n, previous))?;
        }
        self.forget()
    }
}

/// Deletes every attachment that was left behind; returns how many.
///
/// # Errors
/// The first of them that could not be deleted, after all were tried.
pub fn sweep() -> Result<usize, Error> {
    let results: Vec<_> = Attachment::left_behind()?.iter().map(Attached::delete).collect();
    let count = results.len();
    results.into_iter().collect::<Result<(), _>>().map(|()| count)
}

/// Deletes what the plugins that were run may have made; returns why that was needed.
fn undo(
    attached: &Attached,
    config: &Config,
    begun: &[Plugin],
    around: &Surroundings,
    why: Failure,
) -> Error {
    let Failure { error: mut why, unspoken } = why;
    let previous = attached.json.as_ref().filter(|_| config.version() >= Version::V0_4_0);
    let deleted = begun.iter().enumerate().rev().map(|(n, plugin)| {
        match plugin.run(Verb::Del, around, &input(&attached.attachment, config, n, previous)) {
            // It refused to add for that, and has made nothing.
            Err(failure) if failure.unspoken && unspoken && n + 1 == begun.len() => Ok(()),
            deleted => deleted.map(drop).map_err(Error::from),
        }
    });
    // Each is asked, whatever the others say.
    let deleted: Vec<Result<(), Error>> = deleted.collect();
    let deleted = deleted.into_iter().collect::<Result<(), _>>().and_then(|()| attached.forget());
    if let (Err(error), Error::Call { hint, .. }) = (deleted, &mut why) {
        let separator = if hint.is_empty() { "" } else { "; " };
        *hint = format!("{hint}{separator}undoing it failed, too, and is to be tried again: {error}");
    }
    why
}

fn find_plugins(attachment: &Attachment, config: &Config) -> Result<Vec<Plugin>, Error> {
    config.plugins().iter().map(|plugin| Plugin::find(&plugin.kind, &attachment.dirs)).collect()
}

/// What a plugin reads: its configuration, with the network's name and version, what the plugins before it gave, and what it
/// takes of the runtime.
fn input(attachment: &Attachment, config: &Config, n: usize, previous: Option<&Value>) -> Value {
    let plugin = &config.plugins()[n];
    let mut fields = plugin.fields.clone();
    fields.insert("type".into(), json!(plugin.kind));
    fields.insert("name".into(), json!(config.name()));
    fields.insert("cniVersion".into(), json!(config.version().as_str()));
    let taken = attachment.capabilities.iter().filter(|(name, _)| plugin.takes(name));
    let taken: Map<String, Value> = taken.map(|(name, value)| (name.clone(), value.clone())).collect();
    if !taken.is_empty() {
        fields.insert("runtimeConfig".into(), Value::Object(taken));
    }
    if let Some(result) = previous {
        fields.insert("prevResult".into(), result.clone());
    }
    Value::Object(fields)
}

fn failed(problem: impl Into<String>, errno: i32, hint: impl Into<String>) -> Error {
    Error::call(Code::CniFailed, problem, errno, hint)
}

fn invalid(problem: impl Into<String>, hint: impl Into<String>) -> Error {
    Error::call(Code::InvalidSpec, problem, 0, hint)
}
