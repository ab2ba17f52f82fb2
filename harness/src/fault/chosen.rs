//! A fault with its parameters.

use super::catalog::{Fault, Parameter};

/// A fault that is to be committed, its parameters set.
#[derive(Clone, Debug)]
pub struct Chosen {
    fault: &'static Fault,
    values: Vec<(&'static str, u64)>,
}

/// A parameter that the fault cannot be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadParameter {
    /// The fault has none of that name.
    #[error("fault `{fault}` has no parameter `{}`; it has {}", name.escape_debug(), listed(known))]
    Unknown {
        /// The fault.
        fault: &'static str,
        /// What was given.
        name: String,
        /// What it has.
        known: Vec<&'static str>,
    },
    /// The value is out of range.
    #[error("parameter `{name}` of fault `{fault}` is {given}; it must be {least} to {most}")]
    OutOfRange {
        /// The fault.
        fault: &'static str,
        /// The parameter.
        name: &'static str,
        /// What was given.
        given: u64,
        /// The least value.
        least: u64,
        /// The greatest value.
        most: u64,
    },
}

impl Chosen {
    /// A fault with its parameters as they are by default.
    pub const fn new(fault: &'static Fault) -> Self {
        Self { fault, values: Vec::new() }
    }

    /// Sets a parameter.
    ///
    /// # Errors
    /// [`BadParameter`] where the fault has none of that name, or the value is out of its range.
    pub fn with(mut self, name: &str, value: u64) -> Result<Self, BadParameter> {
        let fault = self.fault.id;
        let Some(parameter) = self.fault.parameters.iter().find(|parameter| parameter.name == name) else {
            let known = self.fault.parameters.iter().map(|parameter| parameter.name).collect();
            return Err(BadParameter::Unknown { fault, name: name.chars().take(64).collect(), known });
        };
        let Parameter { name, least, most, .. } = *parameter;
        if !(least..=most).contains(&value) {
            return Err(BadParameter::OutOfRange { fault, name, given: value, least, most });
        }
        self.values.retain(|(known, _)| *known != name);
        self.values.push((name, value));
        Ok(self)
    }

    /// Which fault it is.
    pub const fn fault(&self) -> &'static Fault {
        self.fault
    }

    /// Every parameter with its value.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.fault.parameters.iter().map(|parameter| (parameter.name, self.value(parameter.name)))
    }

    /// The value of a parameter; 0 where the fault has none of that name.
    pub(super) fn value(&self, name: &str) -> u64 {
        let given = self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let default = || self.fault.parameters.iter().find(|known| known.name == name).map(|known| known.default);
        given.or_else(default).unwrap_or_default()
    }
}

fn listed(known: &[&str]) -> String {
    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
}
