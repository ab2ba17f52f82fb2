//! What `--help` of each command ends with: an example, and what its exit codes mean.

pub(crate) const DEMO: &str = "\
Examples:
  countersign demo
  countersign demo --headless

Exit codes: 0 every move ended as it should, 1 one did not, 2 usage or a bad plugin file, 4 internal.";

pub(crate) const INIT: &str = "\
Examples:
  countersign init
  countersign init --bootstrap site/countersign.toml

Exit codes: 0 written, 2 there is something already or nothing can be written there, 4 internal.";

pub(crate) const VALIDATE: &str = "\
Examples:
  countersign validate
  countersign validate --json | jq .services

Exit codes: 0 all is in order, 2 something is wrong, 4 internal.";

pub(crate) const PLUGIN: &str = "\
Example:
  countersign plugin inspect libtotp.so

Exit codes: 0 yes, 2 usage or a bad file, 4 internal.";

pub(crate) const INSPECT: &str = "\
Examples:
  countersign plugin inspect libtotp.so
  countersign plugin inspect libtotp.so --json | jq -r .sha256

Exit codes: 0 it is a plugin file, 2 it is none, cannot be read, or is not for this machine, 4 internal.";

pub(crate) const TEST_CREDENTIALS: &str = "\
Examples:
  countersign test-credentials
  countersign test-credentials sms

Exit codes: 0 they work, 1 something is wrong with them, 2 usage or a bad file, 3 it could not be found out, 4 internal.";

pub(crate) const USER: &str = "\
Examples:
  countersign user add ada --email ada@example.com
  countersign user show ada

Exit codes: 0 done, 1 denied, 2 usage, unknown user or a bad file, 3 provider unavailable, 4 internal.";

pub(crate) const ADD: &str = "\
Example:
  countersign user add ada --email ada@example.com --locale en --required

Exit codes: 0 added, 2 the name is taken or is none, or a bad file, 4 internal.";

pub(crate) const LIST: &str = "\
Examples:
  countersign user list
  countersign user list --json | jq -r 'select(.locked_until) | .user'

Exit codes: 0 listed, 2 a bad file, 4 internal.";

pub(crate) const SHOW: &str = "\
Examples:
  countersign user show ada
  countersign user show ada --json | jq .factors

Exit codes: 0 shown, 2 unknown user or a bad file, 4 internal.";

pub(crate) const REQUIRE: &str = "\
Examples:
  countersign user require ada
  countersign user require ada --off

Exit codes: 0 done, 2 unknown user or a bad file, 4 internal.";

pub(crate) const CHANGE_NUMBER: &str = "\
Example:
  countersign user change-number ada --phone +15005550006 --method sms

Exit codes: 0 the new number is proven, 1 it is not, 2 usage, unknown user, bad number or file, 3 provider unavailable, \
4 internal.";

pub(crate) const UNLOCK: &str = "\
Example:
  countersign user unlock ada

Exit codes: 0 done, 2 unknown user or a bad file, 4 internal.";

pub(crate) const REMOVE_FACTOR: &str = "\
Example:
  countersign user remove-factor ada --method totp

Exit codes: 0 removed, 1 the user has no such factor, 2 unknown user, service or a bad file, 4 internal.";

pub(crate) const FORGET: &str = "\
Example:
  countersign user forget ada

Exit codes: 0 forgotten, 2 unknown user or a bad file, 4 internal.";

pub(crate) const ENROLL: &str = "\
Examples:
  countersign enroll ada --method totp
  countersign enroll ada --method sms --phone +15005550006
  countersign enroll ada --method totp --as-administrator

Exit codes: 0 registered, 1 denied, 2 usage, unknown user, bad number or file, 3 provider unavailable, 4 internal.";

pub(crate) const LOGIN: &str = "\
Examples:
  countersign login ada --type web-portal
  countersign login ada --type web-portal --method sms --json

Exit codes: 0 the user may go on, 1 denied, or a factor must be registered first, 2 usage, unknown user or a bad file, \
3 provider unavailable, 4 internal.";
