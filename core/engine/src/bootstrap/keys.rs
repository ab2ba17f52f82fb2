//! Every key that a bootstrap can have; whatever else stands in it is an error.

use figment::value::{Dict, Value};

use super::error::Problem;
use super::key::{KeyPath, nearest};
use super::origin::Origin;
use super::reader::Reader;

/// What may stand at one place of the bootstrap.
pub(super) enum Level {
    /// A value of ours, checked by its section.
    Value,
    /// A setting of a plugin, checked against the plugin's schema.
    Setting,
    /// `[[services.NAME.fallback]]`.
    Fallbacks,
    /// A table.
    Table {
        /// The keys that are ours.
        keys: &'static [(&'static str, Self)],
        /// What stands under names of the operator's, if there may be any.
        names: Option<Names>,
    },
}

/// Keys which the operator or a plugin names.
pub(super) struct Names {
    pub(super) below: &'static Level,
    /// How a name that only the environment gives is spelled: names of ours have `-`, settings of plugins `_`.
    pub(super) hyphen: char,
}

/// The keys of a service that are not settings of its plugin.
pub(super) const SERVICE_KEYS: [&str; 4] = ["channel", "delivery_type", "provider", "fallback"];

/// The keys of `[two_factor]` that are not channels.
pub(super) const TWO_FACTOR_KEYS: [&str; 4] = ["enabled", "unknown_users", "registration", "login_types"];

/// The whole bootstrap.
pub(super) const ROOT: Level = table(&[
    ("version", Level::Value),
    ("services", names(&SERVICE)),
    ("providers", names(&PROVIDER)),
    ("two_factor", TWO_FACTOR),
    ("store", table(&[("path", Level::Value), ("key_file", Level::Value)])),
    ("limits", LIMITS),
    ("plugins", Level::Table { keys: &[("search", Level::Value)], names: Some(Names { below: &PLUGIN, hyphen: '-' }) }),
]);

/// A service, and each of its fallbacks.
pub(super) const SERVICE: Level = Level::Table {
    keys: &[
        (SERVICE_KEYS[0], Level::Value),
        (SERVICE_KEYS[1], Level::Value),
        (SERVICE_KEYS[2], Level::Value),
        (SERVICE_KEYS[3], Level::Fallbacks),
    ],
    names: SETTINGS,
};

const PROVIDER: Level = Level::Table { keys: &[], names: SETTINGS };

const SETTINGS: Option<Names> = Some(Names { below: &Level::Setting, hyphen: '_' });

const TWO_FACTOR: Level = Level::Table {
    keys: &[
        (TWO_FACTOR_KEYS[0], Level::Value),
        (TWO_FACTOR_KEYS[1], Level::Value),
        (TWO_FACTOR_KEYS[2], Level::Value),
        (TWO_FACTOR_KEYS[3], names(&Level::Value)),
    ],
    // The channels; whether there is such a channel is checked by the section.
    names: Some(Names { below: &Level::Value, hyphen: '-' }),
};

const PLUGIN: Level = table(&[("file", Level::Value), ("sha256", Level::Value)]);

const LIMITS: Level = table(&[
    ("code_digits", Level::Value),
    ("code_lifetime_seconds", Level::Value),
    ("attempts_per_challenge", Level::Value),
    ("attempts_per_user", Level::Value),
    ("guess_lock_seconds", Level::Value),
    ("sends_per_challenge", Level::Value),
    ("send_cool_down_seconds", Level::Value),
    ("sends_per_number", Level::Value),
    ("send_window_seconds", Level::Value),
    ("send_lock_seconds", Level::Value),
    ("enrollment_timeout_seconds", Level::Value),
    ("allowed_countries", Level::Value),
    ("operation_timeout_seconds", Level::Value),
    ("request_timeout_seconds", Level::Value),
    ("connect_timeout_seconds", Level::Value),
]);

const fn table(keys: &'static [(&'static str, Level)]) -> Level {
    Level::Table { keys, names: None }
}

const fn names(below: &'static Level) -> Level {
    Level::Table { keys: &[], names: Some(Names { below, hyphen: '-' }) }
}

/// Reports every key that is not known and every table that is none.
pub(super) fn check(reader: &Reader<'_>) {
    check_level(reader, &KeyPath::default(), reader.tree, &ROOT);
}

fn check_level(reader: &Reader<'_>, path: &KeyPath, value: &Value, level: &Level) {
    match (level, value) {
        (Level::Table { .. }, Value::Dict(_, entries)) => {
            check_table(reader, path, entries, level);
        }
        (Level::Table { .. }, _) => {
            reader.wrong_type(path, value, "a table, such as `[section]`");
        }
        (Level::Fallbacks, Value::Array(_, items)) => {
            for (at, item) in items.iter().enumerate() {
                check_level(reader, &path.item(at), item, &SERVICE);
            }
        }
        (Level::Fallbacks, _) => {
            reader.wrong_type(path, value, "a list of tables, `[[services.NAME.fallback]]`");
        }
        (Level::Value | Level::Setting, _) => {}
    }
}

fn check_table(reader: &Reader<'_>, path: &KeyPath, entries: &Dict, level: &Level) {
    let Level::Table { keys, names } = level else {
        return;
    };
    for (key, value) in entries {
        let here = path.child(key);
        if let Some((_, below)) = keys.iter().find(|(known, _)| known == key) {
            check_level(reader, &here, value, below);
        } else if let Some(names) = names {
            check_level(reader, &here, value, names.below);
        } else {
            let origin = reader.origins.of(&here, Some(value));
            let show = |known: &str| match origin {
                Origin::Variable { .. } => path.child(known).variable(),
                _ => path.child(known).to_string(),
            };
            reader.fault(
                origin.clone(),
                &here,
                Problem::UnknownKey {
                    nearest: nearest(key, keys.iter().map(|(known, _)| *known)).map(|key| show(&key)),
                    known: keys.iter().map(|(known, _)| show(known)).collect(),
                },
            );
        }
    }
}
