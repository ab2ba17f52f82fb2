//! Phone numbers as the services read and write them.

use phonenumber::PhoneNumber;

/// Digits of an E.164 number (ITU-T E.164 §6), country code included.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Twilio's published test numbers, +1 500 555 0000 to 9999. They are assigned to nobody, which makes them the right
/// ones for tests; no numbering plan knows them.
const TEST_NUMBERS: &str = "+1500555";

/// A number that can be called.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Number {
    e164: String,
    country_code: String,
    /// ISO 3166-1 alpha-2; none where several countries share it, or it belongs to none.
    country: Option<String>,
}

impl Number {
    /// Reads E.164: a plus sign and digits, nothing else; `None` where no numbering plan has such a number.
    pub(super) fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+')?;
        if !DIGITS.contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let e164 = text.to_owned();
        if text.starts_with(TEST_NUMBERS) && digits.len() == 11 {
            return Some(Self { e164, country_code: "1".to_owned(), country: Some("US".to_owned()) });
        }
        let parsed: PhoneNumber = phonenumber::parse(None, text).ok()?;
        if !parsed.is_valid() {
            return None;
        }
        let country = parsed.country().id().map(|id| id.as_ref().to_owned());
        Some(Self { e164, country_code: parsed.code().value().to_string(), country })
    }

    pub(super) fn e164(&self) -> &str {
        &self.e164
    }

    pub(super) fn country_code(&self) -> &str {
        &self.country_code
    }

    pub(super) fn country(&self) -> Option<&str> {
        self.country.as_deref()
    }

    /// As in `to_formatted`: `(500) 555-0006` for numbers of the North American plan, E.164 for others.
    pub(super) fn formatted(&self) -> String {
        match self.e164.strip_prefix("+1") {
            Some(national) if national.len() == 10 => {
                format!("({}) {}-{}", &national[..3], &national[3..6], &national[6..])
            }
            _ => self.e164.clone(),
        }
    }

    /// As one writes it within its country, as far as we know how: `(500) 555-0006`.
    pub(super) fn national(&self) -> String {
        match self.formatted() {
            formatted if formatted.starts_with('+') => formatted[1 + self.country_code.len()..].to_owned(),
            formatted => formatted,
        }
    }

    /// As Authy writes a number that is nobody else's business: `+1-XXX-XXX-XX06`.
    pub(super) fn masked(&self) -> String {
        format!("+{}-XXX-XXX-XX{}", self.country_code, &self.e164[self.e164.len() - 2..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_e164_of_a_numbering_plan_or_of_the_test_range() {
        let country = |text: &str| Number::read(text).map(|number| number.country().unwrap_or("?").to_owned());
        assert_eq!(country("+15005550006").as_deref(), Some("US"));
        assert_eq!(country("+14155552671").as_deref(), Some("US"));
        assert_eq!(country("+4915112345678").as_deref(), Some("DE"));
        for bad in [
            "",
            "+",
            "15005550006",
            "+1 500 555 0006",
            "+1500555",
            "+150055500061",
            "+0123456789",
            "+1555",
            "+१२३४५६७८९०",
        ] {
            assert!(Number::read(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn numbers_are_written_as_the_services_write_them() {
        let number = Number::read("+15005550006").expect("valid");
        assert_eq!(number.formatted(), "(500) 555-0006");
        assert_eq!(number.masked(), "+1-XXX-XXX-XX06");
        let german = Number::read("+4915112345678").expect("valid");
        assert_eq!(german.formatted(), "+4915112345678");
        assert_eq!(german.masked(), "+49-XXX-XXX-XX78");
    }
}
