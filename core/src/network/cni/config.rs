//! A network as an administrator writes it down: a `.conflist` file, or an older `.conf` with one plugin.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::invalid;
use crate::error::{Code, Error};

/// Where configurations are, when nothing else is said.
pub const CONFIG_DIR: &str = "/etc/cni/net.d";

/// A version of the CNI specification that is spoken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// Results with interfaces; chains of plugins.
    V0_3_0,
    /// The same, with an error in the text corrected.
    V0_3_1,
    /// CHECK, and the result of ADD handed to DEL.
    V0_4_0,
    /// No more single configurations; addresses without their version.
    V1_0_0,
    /// Several versions in a configuration; more fields of interfaces and routes.
    V1_1_0,
}

impl Version {
    /// All of them, the oldest first.
    pub const ALL: [Self; 5] = [Self::V0_3_0, Self::V0_3_1, Self::V0_4_0, Self::V1_0_0, Self::V1_1_0];

    /// As it is written in a configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V0_3_0 => "0.3.0",
            Self::V0_3_1 => "0.3.1",
            Self::V0_4_0 => "0.4.0",
            Self::V1_0_0 => "1.0.0",
            Self::V1_1_0 => "1.1.0",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.as_str() == text)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one plugin of a network is told. Fields that only the plugin knows are passed through as they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PluginConfig {
    /// The name of the plugin's file.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it takes from the runtime at each attachment (`portMappings`, `bandwidth`, …).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub capabilities: BTreeMap<String, bool>,
    /// All else.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

impl PluginConfig {
    /// Whether the plugin declares that it takes this capability.
    #[must_use]
    pub fn takes(&self, capability: &str) -> bool {
        self.capabilities.get(capability).copied().unwrap_or(false)
    }
}

/// A network: its name, and the plugins that attach a container to it, in their order.
///
/// ```
/// let network = minicontain::network::cni::Config::parse(r#"{
///     "cniVersion": "1.0.0", "name": "lab",
///     "plugins": [{"type": "bridge", "bridge": "lab0"}, {"type": "portmap", "capabilities": {"portMappings": true}}]
/// }"#)?;
/// assert_eq!((network.name(), network.version().as_str()), ("lab", "1.0.0"));
/// assert!(network.plugins()[1].takes("portMappings"));
/// # Ok::<(), minicontain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    name: String,
    version: Version,
    disable_check: bool,
    plugins: Vec<PluginConfig>,
}

impl Config {
    /// Reads a `.conflist` file, or a `.conf` or `.json` file with a single plugin.
    ///
    /// # Errors
    /// [`Code::SourceNotFound`] or [`Code::Io`] when it cannot be read; [`Code::InvalidSpec`] when it is no configuration.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let shown = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| {
            let errno = error.raw_os_error().unwrap_or(libc::EINVAL);
            let code = if errno == libc::ENOENT { Code::SourceNotFound } else { Code::Io };
            let problem = format!("could not read the CNI configuration {shown}");
            Error::call(code, problem, errno, "give the path of a .conflist file").about(&shown)
        })?;
        Self::parse_as(&text, &shown).map_err(|error| error.about(&shown))
    }

    /// Reads a configuration from its text.
    ///
    /// # Errors
    /// [`Code::InvalidSpec`] when it is no configuration.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::parse_as(text, "CNI configuration")
    }

    /// Finds a network by its name: in each directory the `.conflist` files in the order of their names, then `.conf` and
    /// `.json` files. A file that is no configuration is passed over.
    ///
    /// ```no_run
    /// use minicontain::network::cni::{CONFIG_DIR, Config};
    /// let network = Config::find("podman", &[CONFIG_DIR])?;
    /// # Ok::<(), minicontain::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Code::NetworkNotFound`], which tells what was passed over.
    pub fn find(name: &str, dirs: &[impl AsRef<Path>]) -> Result<Self, Error> {
        Self::find_file(name, dirs).map(|(_, config)| config)
    }

    /// The same, with the file that it was found in.
    ///
    /// # Errors
    /// As [`Config::find`].
    pub fn find_file(name: &str, dirs: &[impl AsRef<Path>]) -> Result<(PathBuf, Self), Error> {
        let mut passed_over = Vec::new();
        for dir in dirs {
            let entries = fs::read_dir(dir).into_iter().flatten().flatten();
            let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
            files.sort();
            for extensions in [&["conflist"][..], &["conf", "json"]] {
                let matches = |path: &&PathBuf| {
                    path.extension().is_some_and(|own| extensions.iter().any(|one| own == *one))
                };
                for file in files.iter().filter(matches) {
                    match Self::load(file) {
                        Ok(config) if config.name == name => return Ok((file.clone(), config)),
                        Ok(_) => {}
                        Err(error) => passed_over.push(error.to_string()),
                    }
                }
            }
        }
        let dirs: Vec<_> = dirs.iter().map(|dir| dir.as_ref().display().to_string()).collect();
        let mut problem = format!("there is no CNI network '{name}' in {}", dirs.join(", "));
        if !passed_over.is_empty() {
            problem = format!("{problem} (passed over: {})", passed_over.join("; "));
        }
        let hint = format!("write a .conflist file with \"name\": \"{name}\" there");
        Err(Error::call(Code::NetworkNotFound, problem, 0, hint))
    }

    /// The network's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version of the specification that its plugins are spoken to in.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Whether CHECK is switched off, since a plugin is known to answer it wrongly.
    #[must_use]
    pub fn check_disabled(&self) -> bool {
        self.disable_check
    }

    /// Its plugins, in the order in which they attach.
    #[must_use]
    pub fn plugins(&self) -> &[PluginConfig] {
        &self.plugins
    }

    /// The configuration as a list, whatever it was read from.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({
            "cniVersion": self.version.as_str(),
            "name": self.name,
            "disableCheck": self.disable_check,
            "plugins": self.plugins,
        })
    }

    fn parse_as(text: &str, shown: &str) -> Result<Self, Error> {
        let value = serde_json::from_str(text)
            .map_err(|error| invalid(format!("{shown}: this is no JSON: {error}"), "correct it there"))?;
        Self::from_value(&value, shown)
    }

    fn from_value(value: &Value, shown: &str) -> Result<Self, Error> {
        let wrong = |field: &str, what: &str, fix: &str| invalid(format!("{shown}: {field}: {what}"), fix);
        let Value::Object(fields) = value else {
            return Err(wrong(
                "the whole",
                "not an object",
                "write {\"cniVersion\": …, \"name\": …, \"plugins\": […]}",
            ));
        };
        let version = version(fields).map_err(|(what, fix)| wrong("cniVersion", &what, &fix))?;
        let name = match fields.get("name") {
            Some(Value::String(name)) => name.clone(),
            Some(_) => return Err(wrong("name", "not a string", "write a name in quotes")),
            None => return Err(wrong("name", "it is missing", "add \"name\": \"…\"")),
        };
        if !is_identifier(&name) {
            return Err(wrong(
                "name",
                &format!("'{name}' is no name of a network"),
                "begin with a letter or digit, and use only those, '_', '.' and '-'",
            ));
        }
        let disable_check = match fields.get("disableCheck") {
            None => false,
            Some(Value::Bool(value)) => *value,
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => true,
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => false,
            Some(_) => return Err(wrong("disableCheck", "neither true nor false", "write true or false")),
        };
        let one = [value.clone()];
        let (plugins, listed) = match fields.get("plugins") {
            Some(Value::Array(plugins)) if plugins.is_empty() => {
                return Err(wrong(
                    "plugins",
                    "the list is empty",
                    "name at least one plugin, such as bridge",
                ));
            }
            Some(Value::Array(plugins)) => (&plugins[..], true),
            Some(_) => return Err(wrong("plugins", "not a list", "write [{\"type\": \"…\"}, …]")),
            None if fields.contains_key("type") => (&one[..], false),
            None => {
                return Err(wrong(
                    "plugins",
                    "it is missing",
                    "add \"plugins\": [{\"type\": \"bridge\", …}]",
                ));
            }
        };
        let plugins = plugins.iter().enumerate().map(|(n, plugin)| {
            let at = |field: &str| {
                if listed { format!("plugins[{n}]{field}") } else { field.trim_matches('.').into() }
            };
            match plugin.get("type") {
                Some(Value::String(kind)) if is_file_name(kind) => {}
                None => {
                    return Err(wrong(
                        &at(".type"),
                        "it is missing",
                        "add \"type\": \"the plugin's file name\"",
                    ));
                }
                Some(_) => {
                    return Err(wrong(
                        &at(".type"),
                        "not the name of a file",
                        "write the plugin's name, without its path",
                    ));
                }
            }
            serde_json::from_value(plugin.clone()).map_err(|error| {
                wrong(&at(".capabilities"), &error.to_string(), "write {\"portMappings\": true, …}")
            })
        });
        Ok(Self { name, version, disable_check, plugins: plugins.collect::<Result<_, _>>()? })
    }
}

/// The version to speak: of several that are offered, the newest that is known.
fn version(fields: &Map<String, Value>) -> Result<Version, (String, String)> {
    let offered: Vec<&Value> = match fields.get("cniVersions") {
        Some(Value::Array(versions)) => versions.iter().chain(fields.get("cniVersion")).collect(),
        _ => fields.get("cniVersion").into_iter().collect(),
    };
    let newest = offered.iter().filter_map(|value| Version::parse(value.as_str()?)).max();
    newest.ok_or_else(|| {
        let known = Version::ALL.map(Version::as_str).join(", ");
        let what = match &offered[..] {
            [] => "it is missing".into(),
            offered => {
                let offered: Vec<_> = offered.iter().map(ToString::to_string).collect();
                format!("{} is not spoken here", offered.join(", "))
            }
        };
        (what, format!("write one of {known}"))
    })
}

/// Whether a text may name a network or a container: a letter or digit, then those, `_`, `.` and `-`.
pub(super) fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

fn is_file_name(text: &str) -> bool {
    !text.is_empty() && text != "." && text != ".." && !text.contains(['/', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, field: &str, fix: &str) {
        let error = Config::parse(text).expect_err(text);
        assert_eq!(error.code(), Code::InvalidSpec);
        assert!(error.to_string().contains(field) && error.hint().contains(fix), "{error}");
    }

    #[test]
    fn what_is_wrong_is_told_with_field_and_fix() {
        refused("{", "no JSON", "correct");
        refused("[]", "the whole", "cniVersion");
        refused(r#"{"name": "n", "type": "t"}"#, "cniVersion: it is missing", "1.0.0");
        refused(r#"{"cniVersion": "2.0.0", "name": "n", "type": "t"}"#, "\"2.0.0\" is not spoken", "1.1.0");
        refused(r#"{"cniVersion": "1.0.0", "type": "t"}"#, "name: it is missing", "name");
        refused(r#"{"cniVersion": "1.0.0", "name": "a/b", "type": "t"}"#, "'a/b'", "letter");
        refused(r#"{"cniVersion": "1.0.0", "name": "-a", "type": "t"}"#, "'-a'", "letter");
        refused(r#"{"cniVersion": "1.0.0", "name": "n"}"#, "plugins: it is missing", "plugins");
        refused(
            r#"{"cniVersion": "1.0.0", "name": "n", "plugins": []}"#,
            "plugins: the list is empty",
            "one",
        );
        refused(
            r#"{"cniVersion": "1.0.0", "name": "n", "plugins": [{}]}"#,
            "plugins[0].type: it is missing",
            "type",
        );
        refused(
            r#"{"cniVersion": "1.0.0", "name": "n", "plugins": [{"type": "../x"}]}"#,
            "plugins[0].type",
            "path",
        );
        refused(
            r#"{"cniVersion": "1.0.0", "name": "n", "plugins": [{"type": "x", "capabilities": 1}]}"#,
            "plugins[0].capabilities",
            "portMappings",
        );
        refused(
            r#"{"cniVersion": "1.0.0", "name": "n", "disableCheck": 1, "plugins": [{"type": "x"}]}"#,
            "disableCheck",
            "true or false",
        );
    }

    #[test]
    fn a_single_configuration_becomes_a_list_and_a_list_stays_one() {
        let single = r#"{"cniVersion": "0.3.1", "name": "n", "type": "t", "own": {"deep": [1, 2.5, null]}}"#;
        let single = Config::parse(single).expect("a configuration");
        assert_eq!(single.plugins()[0].fields["own"], json!({"deep": [1, 2.5, null]}));
        let again = Config::parse(&single.to_value().to_string()).expect("a configuration");
        assert_eq!((again.name(), again.version()), ("n", Version::V0_3_1));
        assert_eq!(again.plugins(), single.plugins());
    }

    #[test]
    fn of_several_versions_the_newest_known_one_is_spoken() {
        let text = r#"{"cniVersion": "0.4.0", "cniVersions": ["9.0.0", "1.0.0", "0.3.1"], "name": "n", "type": "t"}"#;
        assert_eq!(Config::parse(text).expect("a configuration").version(), Version::V1_0_0);
    }
}
