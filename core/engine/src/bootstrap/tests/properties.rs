//! What holds for any text and any variable.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,80}", toml in "(version|limits|services|[a-z\\[\\]{}.=\" \n0-9'_#-]){0,60}") {
        let _ = read(&text, &[]);
        let _ = read(&toml, &[]);
        let _ = Folder::with("a.json", &text).read("a.json", &[]);
    }

    #[test]
    fn no_variable_makes_it_panic(name in "[A-Z_a-z.\\[\\]-]{0,30}", value in "\\PC{0,10}") {
        let _ = read(TOTP, &[(&format!("COUNTERSIGN_{name}"), &value)]);
        let _ = read(TOTP, &[(&format!("COUNTERSIGN_SERVICES__{name}"), &value)]);
    }

    #[test]
    fn no_error_repeats_a_secret_that_stands_in_the_file(
        before in "[a-z=\"'{}\\[\\], \n]{0,6}",
        after in "[a-z=\"'{}\\[\\], \n]{0,6}",
    ) {
        const CANARY: &str = "kv7Qz93LpXw";
        let text = format!("{TOTP}auth_token = {before}{CANARY}{after}");
        match read(&text, &[]) {
            Ok(bootstrap) => {
                let shown = format!("{bootstrap:?}");
                prop_assert!(!shown.contains(CANARY), "{}", shown);
            }
            // A canary that became a key is shown as one; as a value it never is.
            Err(BootstrapError::Invalid { faults }) => for fault in faults {
                prop_assert!(!fault.problem.to_string().contains(CANARY), "{}", fault);
            },
            Err(error) => {
                prop_assert!(!error.to_string().contains(CANARY), "{}", error);
                let shown = format!("{error:?}");
                prop_assert!(!shown.contains(CANARY), "{}", shown);
            }
        }
    }
}
